"""What images that end their decoder cost the others: `kaolabel label` with and without them.

    python -m bench.poison [--images 10000] [--each 25]

Draws an archive of small images and finds its faces twice: as it is, and with images strewn over it
that crash their decoder, hang it and exhaust its memory, so many of each. Each of those is tried
twice; a try of one that hangs keeps a decoder for the whole time limit, which no system can avoid
and which is left out of the time of the others. What is left in are the tries of the rest and the
start of a decoder after every try.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from db.engine import Database
from tests.command import Kaolabel, finish
from tests.drawing import face_png, plain_png
from tests.faults.cluster import HOOKS
from tests.faults.poisoned import REASONS, poison

_SECONDS, _DECODERS, _TRIES = 5.0, 2, 2
_MEMORY = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """One run of the command.

    Attributes:
        seconds: from the first job's claim to the last one's commit.
        ends: images by reason, or by outcome where there is no reason.
    """

    seconds: float
    ends: Counter[str]


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--each", type=int, default=25)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder, "archive")
        draw(archive, arguments.images)
        clean = labelled(archive, Path(folder, "clean"))
        strew(archive, arguments.images, each=arguments.each)
        ill = labelled(archive, Path(folder, "ill"))
    waited = arguments.each * _TRIES * _SECONDS / _DECODERS
    report(arguments.images, clean, ill, waited=waited)


def draw(archive: Path, images: int) -> None:
    """Small images, every fourth with a face."""
    archive.mkdir()
    for number in range(images):
        data = plain_png(number) if number % 4 else face_png(number)
        (archive / f"{number:06}.png").write_bytes(data)


def strew(archive: Path, images: int, *, each: int) -> None:
    """Spread poison evenly over the archive."""
    effects = [effect for _ in range(each) for effect in REASONS]
    for number, effect in enumerate(effects):
        before = number * images // len(effects)
        (archive / f"{before:06}-{effect}.png").write_bytes(poison(effect, number))


def labelled(archive: Path, home: Path) -> Measured:
    """Find the faces of an archive with the command, its decoders susceptible to poison."""
    marked = home.parent / f"{home.name}-tmp"
    marked.mkdir()
    (marked / "hooks.json").write_text(json.dumps({"poison": {}}))
    command = Kaolabel(
        home,
        PYTHONPATH=os.pathsep.join([str(HOOKS), str(Path.cwd())]),
        TMPDIR=str(marked),
        KAOLABEL_DECODERS=str(_DECODERS),
        KAOLABEL_DECODER_SECONDS=str(_SECONDS),
        KAOLABEL_DECODER_MEMORY=str(_MEMORY),
    )
    done = finish(command.start("label", str(archive), "--detect-only"), timeout=7200)
    done.check_returncode()
    return measured(Database(f"sqlite:///{home / 'kaolabel.db'}"))


def measured(database: Database) -> Measured:
    """What the ledger says of the only run in it."""
    with database.read() as connection:
        span = "SELECT max(finished_at) - min(claimed_at) FROM jobs"
        seconds = connection.exec_driver_sql(span).scalar_one()
        ends = "SELECT coalesce(reason, outcome), count(*) FROM images GROUP BY 1"
        found = Counter(dict(tuple(row) for row in connection.exec_driver_sql(ends)))
    database.close()
    return Measured(seconds, found)


def report(images: int, clean: Measured, ill: Measured, *, waited: float) -> None:
    """Print what became of the poison, and how fast the other images were."""
    for reason in REASONS.values():
        print(f"{reason:44}{ill.ends[reason]:>10}")
    print(f"{'':44}{'seconds':>10}{'images/s':>10}{'of clean':>10}")
    for name, seconds in (
        ("without poison", clean.seconds),
        ("with poison", ill.seconds),
        ("… less the tries that hang to the limit", ill.seconds - waited),
    ):
        share = clean.seconds / seconds
        print(f"{name:44}{seconds:>10.1f}{images / seconds:>10.1f}{share:>10.0%}")


if __name__ == "__main__":
    main()
