"""The faces and images of the page, as a stream of small pictures in groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from db.records import Outcome
from db.store import extent, faceless, faces, survey
from db.store.upsert import chunks
from review.ranking import UNKNOWN, UNSCORED, choose
from review.share import fair_cap, is_picked
from review.text import file_url
from review.thumbnail import thumbnail
from worker.visible import visible, visible_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Executor

    from sqlalchemy import Connection

    from db.records import Crop, LabelledFace, RunRecord, Tally
    from review.ranking import Group

# About 3 KB each in the page. 20,000 faces make 60 MB, which browsers still open within seconds.
FACES_SHOWN = 20_000
# Of each outcome without faces; a preview takes about 4 KB.
IMAGES_SHOWN = 3_000

FACE_SIDE = 112
PREVIEW_SIDE = 160

# Crops that are in memory at a time, about 16 KB each.
_BATCH = 256


@dataclass(frozen=True, slots=True)
class Entry:
    """A group of faces in the list of contents.

    Attributes:
        anchor: its id in the page.
        kind: `label`, `unknown` or `unscored`.
        count: faces in the archive.
        shown: how many of them the page shows.
    """

    anchor: str
    kind: str
    title: str
    count: int
    shown: int


@dataclass(frozen=True, slots=True)
class Tile:
    """A face of the page.

    Attributes:
        picture: data URI; None where the stored crop is damaged or gone.
        where: box (x0 y0 x1 y1, in pixels of the upright image) and detector.
        url: of the image, where it cannot be told from `path`; else empty.
        guess: of an unknown face, the nearest label, or the one that a person denied; else empty.
        confidence: 0 to 1; None where no model's word counts.
    """

    picture: str | None
    path: str
    where: str
    url: str
    guess: str
    confidence: float | None
    stale: bool
    annotated: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """An image without a face; `picture` and `url` as in `Tile`."""

    picture: str | None
    path: str
    url: str
    detail: str


@dataclass(frozen=True, slots=True)
class Section:
    """A group of faces, in order of falling confidence."""

    entry: Entry
    tiles: Iterator[Tile]


@dataclass(frozen=True, slots=True)
class Reason:
    """The images without a face that share a reason."""

    title: str
    count: int
    shown: int
    frames: Iterator[Frame]


class Gallery:
    """What a page shows, read from the database while it is written.

    Where there is more than a page can hold, each group shows a fair share of its faces, evenly
    spread from the most to the least certain.

    Args:
        connection: a snapshot; counts and rows must agree.
        counts: the totals of the same run.
        pool: threads that make the pictures.
        advance: told of each batch how many pictures were made.
    """

    def __init__(
        self,
        connection: Connection,
        run: RunRecord,
        counts: Tally,
        *,
        pool: Executor,
        advance: Callable[[int], object],
    ) -> None:
        self._connection = connection
        self._run = run
        self._pool = pool
        self._advance = advance
        self._entries = _entries(counts)
        self._extent = extent.of(connection, run)
        self._reasons = {
            outcome: self._extent.reasons(outcome)
            for outcome in (Outcome.NO_FACE, Outcome.UNREADABLE, Outcome.QUARANTINED)
        }

    @property
    def entries(self) -> list[Entry]:
        """The groups of faces: labels with many faces first, then unknown and unscored."""
        ordered = sorted(self._entries.values(), key=lambda entry: -entry.count)
        return sorted(ordered, key=lambda entry: ("label", "unknown", "unscored").index(entry.kind))

    @property
    def pictures(self) -> int:
        """How many faces and images will be shown."""
        images = (sum(self._shown(outcome).values()) for outcome in self._reasons)
        return sum(entry.shown for entry in self._entries.values()) + sum(images)

    def sections(self) -> Iterator[Section]:
        """The groups of faces by label, then unknown and unscored; each to be read in turn."""
        shown = {key: (entry.count, entry.shown) for key, entry in self._entries.items()}
        briefs = survey.briefs(self._connection, self._run, within=self._extent)
        chosen = choose(briefs, shown=shown)
        for key, entry in self._entries.items():
            yield Section(entry, self._tiles(chosen[key]))

    def reasons(self, outcome: str) -> Iterator[Reason]:
        """The images of an outcome by reason; each to be read in turn."""
        kind = Outcome(outcome)
        shown = self._shown(kind)
        chosen = self._chosen(kind, shown)
        for reason, count in self._reasons[kind].items():
            title = visible(reason or "no reason given").replace("_", " ")
            yield Reason(title, count, shown[reason], self._frames(chosen[reason]))

    def _shown(self, outcome: Outcome) -> dict[str | None, int]:
        counts = self._reasons[outcome]
        cap = fair_cap(counts.values(), budget=IMAGES_SHOWN)
        return {reason: min(count, cap) for reason, count in counts.items()}

    def _chosen(
        self, outcome: Outcome, shown: dict[str | None, int]
    ) -> dict[str | None, list[int]]:
        """The ids of the images to show of each reason, evenly spread in the walk's order."""
        counts = self._reasons[outcome]
        places = dict.fromkeys(counts, 0)
        chosen: dict[str | None, list[int]] = {reason: [] for reason in counts}
        for image_id, reason in faceless.briefs(self._connection, self._run, outcome):
            if is_picked(places[reason], count=counts[reason], cap=shown[reason]):
                chosen[reason].append(image_id)
            places[reason] += 1
        return chosen

    def _tiles(self, face_ids: Sequence[int]) -> Iterator[Tile]:
        for some in chunks(face_ids, _BATCH):
            found = survey.labelled(self._connection, self._run, some)
            crops = faces.crops(self._connection, some)
            pictures = self._pool.map(_picture, [crops.get(face_id) for face_id in some])
            for face_id, picture in zip(some, pictures, strict=True):
                yield self._tile(found[face_id], picture)
            self._advance(len(some))

    def _tile(self, face: LabelledFace, picture: str | None) -> Tile:
        box, path = face.box, visible_path(face.path)
        return Tile(
            picture=picture,
            path=path,
            where=f"box {box.x0} {box.y0} {box.x1} {box.y1} · {visible(face.detector)}",
            url=self._url(face.path, path),
            guess=_guess(face),
            confidence=face.confidence,
            stale=face.stale,
            annotated=face.annotated,
        )

    def _frames(self, image_ids: Sequence[int]) -> Iterator[Frame]:
        for some in chunks(image_ids, _BATCH):
            images = faceless.images(self._connection, some)
            pictures = self._pool.map(_preview, [image.preview for image in images])
            for image, picture in zip(images, pictures, strict=True):
                path = visible_path(image.path)
                detail = visible(image.detail or "")
                yield Frame(picture, path, self._url(image.path, path), detail)
            self._advance(len(some))

    def _url(self, path: bytes, shown: str) -> str:
        """Only for the few names that the page's script cannot encode from what it shows."""
        return "" if shown.encode() == path else file_url(self._run.root, path)


def _entries(counts: Tally) -> dict[Group, Entry]:
    sizes = {("label", label): number for label, number in counts.labels.items()}
    sizes |= {UNKNOWN: counts.unknown, UNSCORED: counts.unscored}
    sizes = {key: number for key, number in sizes.items() if number}
    cap = fair_cap(sizes.values(), budget=FACES_SHOWN)
    return {
        (kind, label): Entry(
            anchor=f"label-{place}" if kind == "label" else kind,
            kind=kind,
            title=visible(label) if kind == "label" else kind.capitalize(),
            count=number,
            shown=min(number, cap),
        )
        for place, ((kind, label), number) in enumerate(sizes.items(), start=1)
    }


def _guess(face: LabelledFace) -> str:
    if not face.unknown or face.label is None:
        return ""
    return f"not {visible(face.label)}" if face.annotated else f"{visible(face.label)}?"


def _picture(crop: Crop | None) -> str | None:
    return None if crop is None else thumbnail(crop.jpeg, long_side=FACE_SIDE)


def _preview(jpeg: bytes | None) -> str | None:
    return None if jpeg is None else thumbnail(jpeg, long_side=PREVIEW_SIDE)
