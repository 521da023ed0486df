"""Training: from a folder of labelled images to a saved artifact."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from db.errors import UnreadableImageError
from training import dataset, fit
from training.augment import ROTATION, SHIFT, ZOOM, alter
from training.discriminant import Faces
from training.embedding import embed
from training.holdout import hold_out
from training.score import compare
from worker.models import artifact as artifacts
from worker.models import backbone as backbones
from worker.models.manifest import Manifest
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from training.dataset import Examine, Progress, Sample, Skipped
    from training.score import Score
    from worker.models.artifact import Artifact

# Altered copies matter for few faces and cost time for many: at most so many of a face, and so
# many in all.
MOST_COPIES = 8
COPIES_IN_ALL = 2000


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What training gave.

    Attributes:
        artifact: the model.
        folder: where it is saved.
        holdout: how it did on held-out faces, before it was fitted again with them.
        skipped: files that nothing was learned from, and why.
    """

    artifact: Artifact
    folder: Path
    holdout: Score
    skipped: tuple[Skipped, ...]


def train(
    folder: Path,
    *,
    crops: bool,
    backbone: str,
    home: Path,
    examine: Examine,
    progress: Progress,
    taps: tuple[str, ...] | None = None,
    seed: int = 0,
    parent: str | None = None,
) -> TrainedModel:
    """Train a head on labelled images and save it; the same data and seed give the same model.

    About a fifth of the faces is held out and measured on; threshold and calibration never see it.
    The published weights are then fitted on all faces.

    Args:
        folder: holds a folder of images for each label.
        crops: whether each image is a face itself; `examine` must fit.
        backbone: `imagenet`, `seeded` or the path of a weights file.
        home: kaolabel's own folder, in which the model is saved.
        examine: decodes (index, bytes) pairs and finds faces, largest first, in any order.
        progress: called with (stage, done, total).
        taps: layers of the backbone to embed with; by default those that suit it.
        seed: what hold-out, copies and folds depend on.
        parent: the artifact hash of the model that this one shall replace.

    Returns:
        The model; no database knows of it yet.

    Raises:
        UsageError: the folder cannot be learned from.
        UnavailableError: the backbone could not be downloaded.
        ModelError: the backbone cannot be used.
    """
    samples, skipped = _samples(folder, examine=examine, progress=progress)
    weights = backbones.obtain(backbone, home=home)
    embedder = Embedder(EmbedderSpec.of(weights, taps=taps), home=home)
    faces = _faces(samples, embedder=embedder, seed=seed, progress=progress)
    fitted, holdout = _fit(faces, seed=seed, progress=progress)
    manifest = _manifest(
        faces, fitted, spec=embedder.spec, holdout=holdout, crops=crops, seed=seed, parent=parent
    )
    artifact = artifacts.Artifact(manifest, fitted.head)
    path = artifacts.stored_path(artifact.sha256, home=home)
    artifacts.save(artifact, path)
    return TrainedModel(artifact, path, holdout, skipped)


def _samples(
    folder: Path, *, examine: Examine, progress: Progress
) -> tuple[tuple[Sample, ...], tuple[Skipped, ...]]:
    images = dataset.find(folder)
    dataset.require_labels(images, folder=folder)
    kept, doubles = dataset.distinct(images)
    gathered = dataset.gather(kept, examine=examine, progress=progress)
    dataset.require_faces(gathered.samples, images=images)
    return gathered.samples, doubles + gathered.skipped


def _faces(
    samples: tuple[Sample, ...], *, embedder: Embedder, seed: int, progress: Progress
) -> Faces:
    """Embed every face and its altered copies."""
    copies = min(MOST_COPIES, COPIES_IN_ALL // len(samples))
    size = embedder.spec.size
    rng = np.random.default_rng(seed)
    views = [view for sample in samples for view in _views(sample, copies, size=size, rng=rng)]
    embeddings = embed(views, embedder=embedder, progress=progress)
    labels = np.array([sample.image.label for sample in samples])
    return Faces(embeddings.reshape(len(samples), 1 + copies, -1), labels)


def _views(
    sample: Sample, copies: int, *, size: int, rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    """The face itself, then its copies; each uint8 (size, size, 3), RGB."""
    crop = sample.face.crop
    pixels = cv2.imdecode(np.frombuffer(crop.jpeg, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise UnreadableImageError("damaged", f"the face cut from {sample.image.path} is no JPEG")
    margin = np.asarray(pixels, np.uint8)
    altered = [alter(margin, crop.inner, size=size, rng=rng) for _ in range(copies)]
    return [sample.face.pixels, *altered]


def _fit(faces: Faces, *, seed: int, progress: Progress) -> tuple[fit.Fitted, Score]:
    """Fit without the hold-out, measure on it, then fit the weights on everything."""
    progress("fitting", 0, 2)
    held = hold_out(faces.labels.tolist(), seed=seed)
    fitted = fit.fit(faces[~held], seed=seed)
    progress("fitting", 1, 2)
    tested = faces[held]
    given = [prediction.label for prediction in fitted.head.predict(tested.embeddings[:, 0])]
    holdout = compare(tested.labels.tolist(), given)
    final = fit.Fitted(fit.refit(fitted, faces), fitted.shrinkage)
    progress("fitting", 2, 2)
    return final, holdout


def _manifest(
    faces: Faces,
    fitted: fit.Fitted,
    *,
    spec: EmbedderSpec,
    holdout: Score,
    crops: bool,
    seed: int,
    parent: str | None,
) -> Manifest:
    counts = Counter(faces.labels.tolist())
    head = fitted.head
    return Manifest(
        embedder=spec,
        labels={label: counts[label] for label in head.labels},
        temperature=head.temperature,
        background=head.background,
        threshold=head.threshold,
        holdout=holdout.to_json(),
        training=_settings(faces, fitted, crops=crops),
        seed=seed,
        parent=parent,
        kaolabel=version("kaolabel"),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _settings(faces: Faces, fitted: fit.Fitted, *, crops: bool) -> dict[str, Any]:
    return {
        "images": "crops" if crops else "scenes",
        "copies": faces.embeddings.shape[1] - 1,
        "rotation": ROTATION,
        "zoom": ZOOM,
        "shift": SHIFT,
        "shrinkage": fitted.shrinkage,
        "keep": fit.KEEP,
        "weights_fitted_on": "all faces, after the hold-out was measured without them",
    }
