"""Which detectors search an image, in which order, and the id that results are stored under.

Nothing here loads OpenCV or animeface: the producer names a chain that it never runs.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path

from db.errors import DetectorError

# Part of every chain id. Raise it with any change to decoding, detection or the filtering of boxes
# that can change a result: stored detections are only reused under an equal id.
REVISION = 2

ANIMEFACE = "animeface"
LBP_SHA256 = "9376d30ac38db6bda2a68b88b3b76bbd7e6aa33af47f7f5c76bc88ca75f1ce30"

_MAX_CASCADE_BYTES = 64 * 1024 * 1024
_MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Step:
    """One search of an image by one detector.

    Attributes:
        detector: `animeface`, `lbp`, or the stem of another cascade's file name.
        version: SHA-256 of the cascade file in hex, or the version of the animeface package.
        long_side: the image is shrunk to at most this many pixels on its long side.
        min_neighbors: how many overlapping hits a cascade needs for a face; 0 for animeface.
        scale_factor: by which a cascade's window grows from one scan to the next; 0 for animeface.
        cascade: the cascade file; None for animeface. Not part of the id: its content counts.
    """

    detector: str
    version: str
    long_side: int
    min_neighbors: int = 0
    scale_factor: float = 0.0
    cascade: Path | None = None

    @property
    def id(self) -> str:
        """Detector, version and parameters, such as `lbp:9376d30a@400n3x1.1`."""
        if self.cascade is None:
            return f"{self.detector}:{self.version}@{self.long_side}"
        parameters = f"{self.long_side}n{self.min_neighbors}x{self.scale_factor:g}"
        return f"{self.detector}:{self.version[:8]}@{parameters}"


@dataclass(frozen=True, slots=True)
class Chain:
    """Detectors in order; a later one runs only where the earlier ones found nothing."""

    steps: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.steps:
            raise DetectorError("a detector chain needs at least one step")

    @property
    def id(self) -> str:
        """What detections are stored under; equal ids give equal results. Under 200 characters."""
        return "+".join([*(step.id for step in self.steps), f"r{REVISION}"])

    @property
    def long_side(self) -> int:
        """The largest size, in pixels on the long side, at which an image is searched."""
        return max(step.long_side for step in self.steps)

    def to_json(self) -> str:
        """The chain as one line of ASCII JSON, for a decoder process."""
        return json.dumps([_to_fields(step) for step in self.steps])

    @classmethod
    def from_json(cls, text: str) -> Chain:
        """The chain that `to_json` wrote.

        Raises:
            DetectorError: the text describes no chain.
        """
        try:
            return cls(tuple(_from_fields(fields) for fields in json.loads(text)))
        except (TypeError, ValueError, KeyError) as error:
            raise DetectorError(f"this is no detector chain: {text[:80]!r}") from error


def default_chain(cascade: Path | None) -> Chain:
    """The chain that suits a cascade, or animeface alone without one.

    The LBP anime cascade at 256 px is quick, rarely wrong, and finds a face in most drawings that
    have one; a more sensitive search at 400 px and animeface take turns at the rest, dearest last.
    Any other cascade, of whatever it was trained on, searches alone. `bench/detection.py` compares
    the chains that were tried.

    Args:
        cascade: an OpenCV cascade file, or None.

    Raises:
        DetectorError: the file is missing, empty or no cascade, or animeface is not installed.
    """
    if cascade is None:
        return Chain((_animeface(320), _animeface(640)))
    sha256 = _hash_of(cascade)
    if sha256 == LBP_SHA256:
        return _lbp_chain(cascade)
    name = re.sub(r"[^A-Za-z0-9_.-]", "_", cascade.stem)[:_MAX_NAME]
    return Chain(tuple(Step(name, sha256, side, 4, 1.1, cascade) for side in (480, 960)))


def find_cascade(name: str) -> Path:
    """The cascade file of that path, or the one of that name in the OpenCV package.

    Args:
        name: a path, or a name such as `haarcascade_frontalface_default`.

    Raises:
        DetectorError: there is neither such a file nor such a name.
    """
    path = Path(name).expanduser()
    if path.exists():
        return path
    folder = _packaged_cascades()
    packaged = folder / f"{name.removesuffix('.xml')}.xml" if folder else None
    if packaged and packaged.parent == folder and packaged.is_file():
        return packaged
    raise DetectorError(
        f"there is no cascade {name!r}: give the path of a cascade file, or a name from the"
        " OpenCV package such as haarcascade_frontalface_default"
    )


def _lbp_chain(cascade: Path) -> Chain:
    quick = Step("lbp", LBP_SHA256, 256, 2, 1.2, cascade)
    sensitive = Step("lbp", LBP_SHA256, 400, 1, 1.1, cascade)
    return Chain((quick, sensitive, _animeface(320)))


def _animeface(long_side: int) -> Step:
    try:
        return Step(ANIMEFACE, metadata.version(ANIMEFACE), long_side)
    except metadata.PackageNotFoundError as error:
        raise DetectorError("animeface is not installed: pip install animeface==2.0.3") from error


def _packaged_cascades() -> Path | None:
    spec = util.find_spec("cv2")
    return Path(spec.origin).parent / "data" if spec and spec.origin else None


def _hash_of(cascade: Path) -> str:
    try:
        if not cascade.is_file():
            raise DetectorError(f"there is no cascade file {str(cascade)!r}")
        with cascade.open("rb") as file:
            content = file.read(_MAX_CASCADE_BYTES + 1)
    except OSError as error:
        raise DetectorError(
            f"cannot read the cascade {str(cascade)!r}: {error.strerror}"
        ) from error
    _require_cascade(content, cascade)
    return hashlib.sha256(content).hexdigest()


def _require_cascade(content: bytes, path: Path) -> None:
    if not content:
        raise DetectorError(f"the cascade {str(path)!r} is empty: download it again")
    if len(content) > _MAX_CASCADE_BYTES or not re.search(b"opencv_storage|%YAML", content):
        raise DetectorError(f"{str(path)!r} is no OpenCV cascade: give the XML file of one")


def _to_fields(step: Step) -> dict[str, str | float | None]:
    return {
        "detector": step.detector,
        "version": step.version,
        "long_side": step.long_side,
        "min_neighbors": step.min_neighbors,
        "scale_factor": step.scale_factor,
        "cascade": str(step.cascade) if step.cascade else None,
    }


def _from_fields(fields: dict[str, str | float | None]) -> Step:
    cascade = fields["cascade"]
    return Step(
        str(fields["detector"]),
        str(fields["version"]),
        int(fields["long_side"] or 0),
        int(fields["min_neighbors"] or 0),
        float(fields["scale_factor"] or 0),
        Path(str(cascade)) if cascade else None,
    )
