"""What a contestant found, and how it hands that to the one who measures it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A face.

    Attributes:
        path: of its image below the archive, with forward slashes.
        box: x0, y0, x1, y1 in pixels of the image.
        label: what it is; with a `?` behind it where the model is not sure.
    """

    path: str
    box: Box
    label: str


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a contestant.

    Attributes:
        images: how many it looked at.
        steady: seconds from its first image to its last one, start and end left out.
        faces: in no order.
    """

    images: int
    steady: float
    faces: tuple[Found, ...]

    def write(self, path: Path) -> None:
        """Leave the result in a file."""
        faces = [[face.path, face.box, face.label] for face in self.faces]
        text = json.dumps({"images": self.images, "steady": self.steady, "faces": faces})
        path.write_text(text, encoding="ascii")

    @classmethod
    def read(cls, path: Path) -> Result:
        """The result that was left in a file."""
        fields = json.loads(path.read_text(encoding="ascii"))
        faces = tuple(Found(name, tuple(box), label) for name, box, label in fields["faces"])
        return cls(fields["images"], fields["steady"], faces)


def named(label: str, *, unknown: bool) -> str:
    """A label as contestants write it."""
    return f"{label}?" if unknown else label
