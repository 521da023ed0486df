"""How well a model labels a folder of known images; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from training import dataset
from training.embedding import embed_examples
from training.example import Example
from training.judge import judge

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from training.dataset import Examine, Skipped
    from worker.progress import Progress
    from worker.vision.classify import Head
    from worker.vision.embed import Embedder


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluation found.

    Attributes:
        crops: whether the images were faces themselves.
        images: files that were looked at.
        with_face: those in which a face was found.
        faces: faces in all of them; each image is judged by its largest.
        judged: how the labels of those faces compare with their folders, as `judge.judge` tells it.
        unknown: images whose face is below the model's threshold.
        unknown_labels: folders whose label the model does not know; their images count as wrong.
        skipped: the images without a face, and why.
    """

    crops: bool
    images: int
    with_face: int
    faces: int
    judged: Mapping[str, Any]
    unknown: int
    unknown_labels: tuple[str, ...]
    skipped: tuple[Skipped, ...]


def evaluate(
    folder: Path,
    *,
    crops: bool,
    embedder: Embedder,
    head: Head,
    examine: Examine,
    progress: Progress,
) -> Evaluation:
    """Label the largest face of each image and compare it with its folder's name.

    Args:
        folder: holds a folder of images for each label.
        crops: whether each image is a face itself; `examine` must fit.
        embedder: the model's.
        head: the model's.
        examine: decodes (index, bytes) pairs and finds faces, largest first.
        progress: called with (stage, done, total).

    Returns:
        What was found.

    Raises:
        UsageError: the folder cannot be used.
        ModelError: the backbone's weights are missing or damaged.
    """
    images = dataset.find(folder, least=1)
    gathered = dataset.gather(images, examine=examine, progress=progress)
    examples = [
        Example(sample.face.crop, sample.image.label, str(sample.image.path))
        for sample in gathered.samples
    ]
    embeddings = embed_examples(
        examples, embedder=embedder, copies=0, seed=0, cache=None, progress=progress
    )
    predictions = head.predict(embeddings[:, 0])
    truth = [sample.image.label for sample in gathered.samples]
    return Evaluation(
        crops=crops,
        images=len(images),
        with_face=len(truth),
        faces=gathered.faces,
        judged=judge(truth, predictions, threshold=head.threshold),
        unknown=sum(prediction.unknown for prediction in predictions),
        unknown_labels=tuple(sorted({image.label for image in images} - set(head.labels))),
        skipped=gathered.skipped,
    )
