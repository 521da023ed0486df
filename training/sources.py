"""Where examples come from: folders of labelled images, and what people said of stored faces."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import UsageError
from db.labels import refuse_doubles
from db.store import annotations as store
from training import dataset
from training.dataset import LEAST_IMAGES, LEAST_LABELS, Skipped
from training.example import Example

if TYPE_CHECKING:
    from collections.abc import Sequence

    from db.engine import Database
    from db.records import AnnotatedFace
    from training.dataset import Examine, Sample
    from worker.progress import Progress


@dataclass(frozen=True, slots=True)
class Examples:
    """Faces to learn from.

    Attributes:
        learned: in the order of their sources.
        skipped: what nothing can be learned from, and why.
    """

    learned: tuple[Example, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def __add__(self, other: Examples) -> Examples:
        return Examples(self.learned + other.learned, self.skipped + other.skipped)

    @property
    def counts(self) -> Counter[str]:
        """Faces by label; those that only say what a face is not are not counted."""
        return Counter(example.label for example in self.learned if example.label is not None)


def from_folder(
    folder: Path, *, least_usable: float, examine: Examine, progress: Progress
) -> Examples:
    """Take the largest face of each image of a folder of labels.

    Args:
        folder: holds a folder of images for each label.
        least_usable: share of the images that must show a face.
        examine: decodes (index, bytes) pairs and finds faces, largest first, in any order.
        progress: called with ("reading", done, total).

    Returns:
        The faces, one of each content.

    Raises:
        UsageError: the folder cannot be used, or too many of its images cannot.
    """
    images = dataset.find(folder)
    kept, doubles = dataset.distinct(images)
    gathered = dataset.gather(kept, examine=examine, progress=progress)
    usable = len(gathered.samples)
    if usable < least_usable * len(kept):
        reasons = Counter(skip.reason for skip in gathered.skipped).most_common(3)
        told = ", ".join(f"{number} {reason}" for reason, number in reasons)
        raise UsageError(
            f"only {usable} of the {len(kept)} images in {folder} can be learned from ({told}):"
            " use --crops if they are faces already, or lower KAOLABEL_LEAST_USABLE, which is"
            f" {least_usable:g}, to go on with so few"
        )
    dataset.require_faces(gathered.samples, images=images)
    return Examples(
        tuple(_of_sample(sample) for sample in gathered.samples), doubles + gathered.skipped
    )


def from_annotations(database: Database) -> Examples:
    """Take every stored face that a person said something of.

    Args:
        database: holds faces, crops and annotations.

    Returns:
        The faces; no image is read.
    """
    with database.read() as connection:
        found = tuple(_of_annotation(face) for face in store.examples(connection))
    return Examples(found)


def require_labels(examples: Examples, *, sources: str) -> Examples:
    """Leave out the labels of too few faces, and refuse to learn what cannot be told apart.

    Args:
        examples: of all sources.
        sources: what they are, for people.

    Returns:
        The examples of labels with at least two faces, and those without a label.

    Raises:
        UsageError: there are fewer than two such labels, or two that are the same name.
    """
    counts = examples.counts
    refuse_doubles(sorted(counts))
    few = {label for label, count in counts.items() if count < LEAST_IMAGES}
    labels = sorted(counts.keys() - few)
    if len(labels) < LEAST_LABELS:
        known = f"only the label {labels[0]!r}" if labels else "no label"
        alone = f" ({len(few)} more have a single face)" if few else ""
        raise UsageError(
            f"{sources}: {known} has two faces or more{alone}; a model needs at least two such"
            " labels, such as a folder of other characters"
        )
    return Examples(
        tuple(example for example in examples.learned if example.label not in few),
        examples.skipped + _too_few(examples.learned, few),
    )


def _too_few(examples: Sequence[Example], few: set[str]) -> tuple[Skipped, ...]:
    detail = "the only face of its label; a label needs two"
    return tuple(
        Skipped(example.origin, "too_few", detail) for example in examples if example.label in few
    )


def _of_sample(sample: Sample) -> Example:
    return Example(sample.face.crop, sample.image.label, str(sample.image.path))


def _of_annotation(face: AnnotatedFace) -> Example:
    return Example(face.crop, face.label, f"face {face.id}", face.not_labels)
