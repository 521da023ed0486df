"""Archives of which some images end the decoder that opens them, and what must come of it."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from typing import TYPE_CHECKING

from tests.drawing import plain_png
from tests.faults.cluster import Cluster

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.conftest import Archive

# What the hook makes of an image, and the reason with which it must end.
REASONS = {
    "crash": "decoder_crashed",
    "hang": "decoder_timeout",
    "memory": "decoder_memory",
}

# Seconds and bytes that an image may take, so that poison costs a test little.
SECONDS = 4.0
_MEMORY = 256 * 1024 * 1024

# Above the numbers of the other images, whose bytes must differ.
_FIRST_SEED = 1_000_000


def susceptible(folder: Path, database_url: str) -> Cluster:
    """A cluster in which poison takes effect, with tight limits on decoders."""
    return Cluster(
        folder,
        database_url,
        hooks={"poison": {}},
        KAOLABEL_DECODER_SECONDS=f"{SECONDS:g}",
        KAOLABEL_DECODER_MEMORY=str(_MEMORY),
    )


def poisoned(archive: Archive, folder: Path, *, plain: int = 0, **counts: int) -> Archive:
    """An archive with poison strewn evenly over it, and what a run must find in it.

    Args:
        archive: of harmless images.
        folder: for the new archive; made here.
        plain: how many images without a face are added first, so that it is large.
        counts: how many images of each effect, named as in `REASONS`.
    """
    folder.mkdir()
    for image in archive.folder.iterdir():
        os.link(image, folder / image.name)
    images = dict(archive.findings.images)
    for number in range(len(images), len(images) + plain):
        name, data = f"{number:05}.png", plain_png(number)
        images[os.fsencode(name)] = _written(folder / name, data, "no_face", "no_face_found")
    images |= _strewn(folder, counts)
    findings = dataclasses.replace(archive.findings, images=images)
    return dataclasses.replace(archive, folder=folder, findings=findings)


def _strewn(folder: Path, counts: dict[str, int]) -> dict[bytes, tuple[object, ...]]:
    names = sorted(path.name for path in folder.iterdir())
    effects = [effect for effect, count in counts.items() for _ in range(count)]
    images = {}
    for number, effect in enumerate(effects):
        # Behind one of the others, in the order in which jobs are cut.
        name = f"{names[number * len(names) // len(effects)]}-{effect}.png"
        ends = ("quarantined", REASONS[effect])
        images[os.fsencode(name)] = _written(folder / name, poison(effect, number), *ends)
    return images


def _written(path: Path, data: bytes, outcome: str, reason: str) -> tuple[object, ...]:
    """Write a file; what a run must find out about it."""
    path.write_bytes(data)
    return (outcome, reason, hashlib.sha256(data).digest())


def poison(effect: str, seed: int) -> bytes:
    """A sound PNG that the hook takes for poison; another seed gives other bytes."""
    return plain_png(_FIRST_SEED + seed) + f"poison:{effect}".encode()
