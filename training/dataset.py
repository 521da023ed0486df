"""Labelled images in folders, and the faces in them.

The images are as untrusted as those of any archive, so that they are decoded by whoever is asked
to examine them, never here.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from db.errors import UsageError
from db.labels import check_label, refuse_doubles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from worker.sandbox.examined import Examined, ExaminedFace

    Examine = Callable[[Iterable[tuple[int, bytes]]], Iterator[tuple[int, Examined]]]
    Progress = Callable[[str, int, int], None]

T = TypeVar("T")

# Fewer can be learned from, but nothing could be said about how well.
LEAST_IMAGES = 2
LEAST_LABELS = 2


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A file and what its folder says that it shows.

    Attributes:
        path: the file.
        label: the folder's name in Unicode NFC.
    """

    path: Path
    label: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file or stored face that nothing was learned from.

    Attributes:
        origin: the file's path, or the number of the face.
        reason: short code: an outcome's reason, `no_face`, `duplicate` or `contradiction`.
        detail: one line for people.
    """

    origin: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sample:
    """The face that carries an image's label.

    Attributes:
        image: where it is from.
        face: its crop and pixels.
    """

    image: LabelledImage
    face: ExaminedFace


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was found in labelled images.

    Attributes:
        samples: one for each image with a face, in the order of the images.
        skipped: the images without one, in the same order.
        faces: how many faces all images show.
    """

    samples: tuple[Sample, ...]
    skipped: tuple[Skipped, ...]
    faces: int


def find(folder: Path, *, least: int = LEAST_IMAGES) -> tuple[LabelledImage, ...]:
    """List `folder/<label>/<image>`; hidden files and files beside the folders are left out.

    Args:
        folder: what to list.
        least: the fewest images that a label may have.

    Returns:
        The images, sorted by label and name.

    Raises:
        UsageError: the folder is missing or holds no labels, or a label cannot be used.
    """
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "does not exist"
        raise UsageError(f"{folder} {what}; give a folder that holds a folder of images per label")
    try:
        folders = sorted(entry for entry in folder.iterdir() if _is_shown(entry) and entry.is_dir())
        images = [image for entry in folders for image in _find_label(entry, least=least)]
    except OSError as error:
        raise UsageError(f"{folder} cannot be listed: {error}; check its permissions") from error
    refuse_doubles(entry.name for entry in folders)
    if not folders:
        raise UsageError(
            f"{folder} holds no folders; put the images of each label in one of its own"
        )
    return tuple(images)


def gather(images: tuple[LabelledImage, ...], *, examine: Examine, progress: Progress) -> Gathered:
    """Take the largest face of each image.

    Args:
        images: what `find` gave.
        examine: decodes (index, bytes) pairs and finds faces, largest first, in any order.
        progress: called with ("reading", done, total).

    Returns:
        The faces that carry the labels, and the images that show none.
    """
    samples: dict[int, Sample] = {}
    skipped: dict[int, Skipped] = {}
    faces = 0
    for index, examined in examine(_contents(images, skipped)):
        if examined.faces:
            samples[index] = Sample(images[index], examined.faces[0])
        else:
            skipped[index] = _skip(images[index], examined)
        faces += len(examined.faces)
        progress("reading", len(samples) + len(skipped), len(images))
    return Gathered(_in_order(samples), _in_order(skipped), faces)


def distinct(
    images: tuple[LabelledImage, ...],
) -> tuple[tuple[LabelledImage, ...], tuple[Skipped, ...]]:
    """Keep one image of each content, so that no face is both learned from and tested on.

    Args:
        images: what `find` gave.

    Returns:
        The first image of each content, and the others; a content under several labels
        contradicts itself and is left out altogether.
    """
    hashes = {image.path: _hash(image.path) for image in images}
    labels: dict[str, set[str]] = {}
    for image in images:
        labels.setdefault(hashes[image.path], set()).add(image.label)
    kept: dict[str, LabelledImage] = {}
    skipped: list[Skipped] = []
    for image in images:
        key = hashes[image.path]
        if len(labels[key]) > 1:
            names = ", ".join(sorted(labels[key]))
            detail = f"the same image is in {names}"
            skipped.append(Skipped(str(image.path), "contradiction", detail))
        elif kept.setdefault(key, image) is not image:
            detail = f"the same image as {kept[key].path}"
            skipped.append(Skipped(str(image.path), "duplicate", detail))
    return tuple(kept.values()), tuple(skipped)


def require_faces(samples: tuple[Sample, ...], *, images: tuple[LabelledImage, ...]) -> None:
    """Refuse labels that too few faces are left of.

    Args:
        samples: the faces to learn from.
        images: what `find` gave.

    Raises:
        UsageError: a label has fewer than two faces.
    """
    faces = Counter(sample.image.label for sample in samples)
    for label, count in Counter(image.label for image in images).items():
        if faces[label] < LEAST_IMAGES:
            raise UsageError(
                f"only {faces[label]} of the {count} images of {label!r} can be learned from and "
                "2 are needed; add images, remove the folder, or use --crops if they are faces"
            )


def _find_label(folder: Path, *, least: int) -> list[LabelledImage]:
    label = _label(folder)
    files = sorted(entry for entry in folder.iterdir() if _is_shown(entry) and entry.is_file())
    if len(files) < least:
        raise UsageError(
            f"the label {label!r} has {len(files)} image(s) and needs {least}; "
            f"add images to {folder}, or remove it"
        )
    return [LabelledImage(path, label) for path in files]


def _label(folder: Path) -> str:
    try:
        return check_label(folder.name)
    except UsageError as error:
        raise UsageError(f"the folder {str(folder)!r} cannot name a label: {error}") from error


def _is_shown(entry: Path) -> bool:
    return not entry.name.startswith(".")


def _contents(
    images: tuple[LabelledImage, ...], skipped: dict[int, Skipped]
) -> Iterator[tuple[int, bytes]]:
    for index, image in enumerate(images):
        try:
            yield index, image.path.read_bytes()
        except OSError as error:
            skipped[index] = Skipped(str(image.path), "unreadable", str(error))


def _in_order(found: dict[int, T]) -> tuple[T, ...]:
    return tuple(found[index] for index in sorted(found))


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        # Its own path keeps it apart; reading it again will tell the reason.
        return str(path)


def _skip(image: LabelledImage, examined: Examined) -> Skipped:
    reason = examined.reason or str(examined.outcome)
    return Skipped(str(image.path), reason, examined.detail or "no face was found")
