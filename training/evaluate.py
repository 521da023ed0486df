"""How well a model labels a folder of known images; writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from training import dataset
from training.embedding import embed
from training.score import compare

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from training.dataset import Examine, Progress, Skipped
    from training.score import LabelScore, Score
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
        score: how many images with a face got their folder's label.
        unknown: images whose face is below the model's threshold.
        unknown_labels: folders whose label the model does not know; their images count as wrong.
        skipped: the images without a face, and why.
    """

    crops: bool
    images: int
    with_face: int
    faces: int
    score: Score
    unknown: int
    unknown_labels: tuple[str, ...]
    skipped: tuple[Skipped, ...]

    @property
    def n(self) -> int:
        """Images that were judged: those with a face."""
        return self.score.n

    @property
    def correct(self) -> int:
        """Images that got their folder's label."""
        return self.score.correct

    @property
    def top1(self) -> float | None:
        """The share of correct images, 0 to 1; None if no face was found."""
        return self.score.top1

    @property
    def per_label(self) -> Mapping[str, LabelScore]:
        """The same for each label."""
        return self.score.per_label


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
    pixels = [sample.face.pixels for sample in gathered.samples]
    predictions = head.predict(embed(pixels, embedder=embedder, progress=progress))
    truth = [sample.image.label for sample in gathered.samples]
    return Evaluation(
        crops=crops,
        images=len(images),
        with_face=len(truth),
        faces=gathered.faces,
        score=compare(truth, [prediction.label for prediction in predictions]),
        unknown=sum(prediction.unknown for prediction in predictions),
        unknown_labels=tuple(sorted({image.label for image in images} - set(head.labels))),
        skipped=gathered.skipped,
    )
