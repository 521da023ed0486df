"""What a contestant is told: the same for all of them."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Order:
    """A contestant's work.

    Attributes:
        archive: the folder to label.
        home: with the trained model; for kaolabel's own stages.
        out: the file to leave the result in.
        cascade: the LBP cascade; None where there is none.
        weights: of Inception V3 without its top; None for random ones, which take as long.
        images: how many, spread evenly over the archive; None for all.
        processes: how many may work side by side.
    """

    archive: Path
    home: Path
    out: Path
    cascade: Path | None
    weights: Path | None
    images: int | None
    processes: int

    def arguments(self) -> list[str]:
        """The order as a command line."""
        options = {
            "--cascade": self.cascade,
            "--weights": self.weights,
            "--images": self.images,
            "--processes": self.processes,
        }
        given = [(name, str(value)) for name, value in options.items() if value is not None]
        places = [str(self.archive), str(self.home), str(self.out)]
        return places + [part for pair in given for part in pair]

    def paths(self) -> list[str]:
        """The images to look at, below the archive, in the order of their names."""
        found = files(self.archive)
        count = min(self.images or len(found), len(found))
        return [found[number * len(found) // count] for number in range(count)]


def parser(documentation: str | None) -> argparse.ArgumentParser:
    """A parser of command lines with an order in them."""
    made = argparse.ArgumentParser(description=(documentation or "").splitlines()[0])
    for place in ("archive", "home", "out"):
        made.add_argument(place, type=Path)
    made.add_argument("--cascade", type=Path)
    made.add_argument("--weights", type=Path)
    made.add_argument("--images", type=int)
    made.add_argument("--processes", type=int, default=1)
    return made


def read_order(options: argparse.Namespace) -> Order:
    """The order that was parsed."""
    fields = {name: getattr(options, name) for name in Order.__dataclass_fields__}
    return Order(**fields)


def files(archive: Path) -> list[str]:
    """Paths of all regular files below a folder, sorted; links are left out as kaolabel does."""
    return sorted(
        os.path.relpath(os.path.join(folder, name), archive)
        for folder, _, names in os.walk(archive)
        for name in names
        if Path(folder, name).is_file() and not Path(folder, name).is_symlink()
    )
