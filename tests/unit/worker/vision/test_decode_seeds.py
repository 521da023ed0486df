"""What the fuzzer starts from and has found: every file has one honest end, in a real decoder."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from db.records import Outcome
from tests.fuzz.decode import MAX_PIXELS, REASONS, one_input
from tests.fuzz.sealing import PNG, sealed
from tests.fuzz.starts import starts
from worker.sandbox.limits import Limits
from worker.sandbox.pool import DecoderPool
from worker.vision import decode

if TYPE_CHECKING:
    from worker.sandbox.limits import Order

SEEDS = Path(__file__).parents[3] / "fuzz" / "seeds"


def seeds() -> dict[str, bytes]:
    """The smallest file that the fuzzer made for each way in which a file ends, by name."""
    return {file.name: file.read_bytes() for file in sorted(SEEDS.iterdir())}


def test_every_seed_is_read_or_refused(order: Order) -> None:
    """No file kills or hangs a decoder, or is quarantined; each that is refused has a reason."""
    found = seeds()
    limits = Limits(max_pixels=MAX_PIXELS)
    with DecoderPool(dataclasses.replace(order, limits=limits), decoders=1) as pool:
        reports = dict(pool.examine(found.items()))
    assert reports.keys() == found.keys()
    outcomes = Counter(report.outcome for report in reports.values())
    assert outcomes.keys() == {Outcome.UNREADABLE, Outcome.NO_FACE}
    refused = {one.reason for one in reports.values() if one.outcome is Outcome.UNREADABLE}
    assert refused <= REASONS


@pytest.mark.parametrize("name", sorted(seeds()))
def test_a_seed_keeps_every_promise(name: str) -> None:
    """What the fuzzer checks holds for what it once made."""
    one_input(decode, seeds()[name])


def test_the_fuzzer_starts_from_sound_images() -> None:
    """Every format that is decoded is among the first files, and each of them is decoded."""
    headers = [decode.read_header(data, max_pixels=MAX_PIXELS) for data in starts()]
    assert {header.format for header in headers} == set(decode.FORMATS)
    for header, data in zip(headers, starts(), strict=True):
        assert decode.decode(data, header, long_side=1600).note is None
        one_input(decode, data)


def test_a_changed_png_is_sealed_again() -> None:
    """Checksums are made right wherever there are whole chunks, and nothing else is touched."""
    sound = next(data for data in starts() if data.startswith(PNG))
    changed = bytearray(sound)
    changed[-1] ^= 0xFF
    assert sealed(bytes(changed)) == sound
    assert sealed(sound[:-2]) == sound[:-2]
    assert sealed(b"P3\n2 1\n") == b"P3\n2 1\n"
