"""Frozen records that cross the borders between packages; checked when they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from db.figures import JobFigures


class Outcome(StrEnum):
    """What became of a listed file; no model changes it."""

    FACES = "faces"
    NO_FACE = "no_face"
    UNREADABLE = "unreadable"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle (x0, y0, x1, y1), in pixels of the upright image; x1 and y1 are exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    def __post_init__(self) -> None:
        if not (0 <= self.x0 < self.x1 and 0 <= self.y0 < self.y1):
            raise ValueError(f"a box needs 0 <= x0 < x1 and 0 <= y0 < y1, not {self}")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> int:
        """Area in pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class DetectedFace:
    """A face that a detector found.

    Attributes:
        box: where, in pixels of the upright image.
        detector: the name of the detector that found it, as in the chain id.
        score: the detector's own measure of certainty; not comparable between detectors.
    """

    box: Box
    detector: str
    score: float


@dataclass(frozen=True, slots=True)
class Crop:
    """A face with a margin around it, kept so that models can be changed without the image.

    Attributes:
        jpeg: the encoded pixels, at most 192 on the long side.
        inner: the face's own box within those pixels; the classifier's input is cut from it.
    """

    jpeg: bytes
    inner: Box


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model version says of a face.

    Attributes:
        label: the most likely known label.
        confidence: calibrated probability of that label, 0 to 1.
        unknown: whether the confidence is below the model's threshold.
        top: the most likely labels with their confidence, best first.
    """

    label: str
    confidence: float
    unknown: bool
    top: tuple[tuple[str, float], ...]


class RunState(StrEnum):
    """Where a run stands."""

    ACTIVE = "active"
    STOPPED = "stopped"
    FINISHED = "finished"
    SUPERSEDED = "superseded"


class JobState(StrEnum):
    """Where a job stands; only queued and leased jobs are open."""

    QUEUED = "queued"
    LEASED = "leased"
    DONE = "done"
    SPLIT = "split"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One labelling of an archive.

    Attributes:
        root: the archive's folder, byte-exact.
        chain_id: the detector chain that every job of the run must use.
        detect_only: whether faces are stored without being classified.
        reason: why the run stopped, else None.
        skipped: entries that are no regular files (links, FIFOs, devices) or cannot be listed.
    """

    id: int
    archive_id: int
    root: bytes
    chain_id: str
    detect_only: bool
    state: RunState
    reason: str | None
    walked: bool
    skipped: int
    started_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class RelabelRecord:
    """One pass over every stored face, which brings it up to a model version.

    Attributes:
        version_id: the version by which every face shall have a prediction.
        reason: why the run stopped, else None.
        cursor: the last face id that a job was cut for.
    """

    id: int
    version_id: int
    state: RunState
    reason: str | None
    cursor: int
    started_at: float
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A regular file as a directory lists it.

    Attributes:
        path: below the archive's root, byte-exact.
        size: in bytes.
        mtime_ns: time of the last change, in nanoseconds since the epoch.
    """

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker's right to a job, until its lease runs out.

    Attributes:
        generation: counts the claims of this job; a writer with an older one is fenced off.
        attempts: claims so far that were not given back.
        run: what the job belongs to; its type says what is to be done.
    """

    job_id: int
    generation: int
    attempts: int
    run: RunRecord | RelabelRecord


@dataclass(frozen=True, slots=True)
class JobImage:
    """An image of a claimed job; `content_id` is known where the file is unchanged."""

    id: int
    path: bytes
    size: int
    content_id: int | None


@dataclass(frozen=True, slots=True)
class ContentRecord:
    """Bytes by their hash, with what their header told."""

    sha256: bytes
    size: int
    format: str | None = None
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class DetectionRecord:
    """What a chain made of a content, as it is stored."""

    id: int
    content_id: int
    outcome: Outcome
    reason: str | None
    detail: str | None


@dataclass(frozen=True, slots=True)
class FaceResult:
    """A new face to store: detection, crop, embedding (float16, little-endian), prediction."""

    face: DetectedFace
    crop: Crop
    embedding: bytes | None
    prediction: Prediction | None


@dataclass(frozen=True, slots=True)
class ContentResult:
    """What a job found out about a content that had no detection by the run's chain."""

    content: ContentRecord
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    preview: bytes | None = None
    faces: tuple[FaceResult, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageResult:
    """The state of one image at the end of a job.

    Either `sha256` names the content whose detection decides the outcome, or the file itself
    could not be read and `outcome` is unreadable with a reason.
    """

    image_id: int
    sha256: bytes | None
    outcome: Outcome | None = None
    reason: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Rescored:
    """A stored face with a new embedding (where it had none) and a new prediction."""

    face_id: int
    embedding: bytes | None
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class JobResult:
    """Everything that one job writes, in one transaction.

    Attributes:
        decoder: the libraries that judged the contents, by name and version.
        figures: what was found, and how long that took; nothing of storing it yet.
    """

    contents: tuple[ContentResult, ...]
    images: tuple[ImageResult, ...]
    rescored: tuple[Rescored, ...]
    version_id: int | None
    embedder: str | None
    decoded: int
    decoder: str | None = None
    figures: JobFigures = field(default_factory=JobFigures)


@dataclass(frozen=True, slots=True)
class StoredFace:
    """A face in the database that awaits a prediction: its embedding, else its crop."""

    id: int
    embedding: bytes | None
    crop: Crop | None


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A published model version; `manifest` is the artifact's, as JSON text."""

    id: int
    sha256: str
    embedder: str
    manifest: str
    parent_id: int | None
    created_at: float
    active: bool


class AnnotationKind(StrEnum):
    """What a person said of a face."""

    IS = "is"
    IS_NOT = "is_not"
    NOT_A_FACE = "not_a_face"


@dataclass(frozen=True, slots=True)
class AnnotationRecord:
    """A person's word on a face; `label` is empty for `not_a_face`."""

    face_id: int
    kind: AnnotationKind
    label: str
    author: str | None = None
    created_at: float = 0.0


@dataclass(frozen=True, slots=True)
class AnnotatedFace:
    """A stored face and what people said of it.

    Attributes:
        crop: its pixels.
        label: what it is, where somebody said so.
        not_labels: what it is not; empty where `label` is known.
        not_a_face: whether somebody said that it is no face.
    """

    id: int
    crop: Crop
    label: str | None
    not_labels: tuple[str, ...]
    not_a_face: bool


class TrainingState(StrEnum):
    """Where a training stands; only one at a time is running."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A training from request to verdict.

    Attributes:
        request: what was asked for, as JSON text.
        trigger: `command`, `task`, `schedule` or `annotations`.
        holder: the process that runs it, as HOST:PID.
        lease_until: when it counts as dead unless it renews, in seconds of the database's clock.
        stage: what it is doing, with `done` of `total` steps of that and `detail` for people.
        version_id: the version that it published, if any.
        verdict: what the gate decided, and why.
        error: why it failed.
    """

    id: int
    state: TrainingState
    request: str
    trigger: str
    created_at: float
    started_at: float | None
    finished_at: float | None
    holder: str | None
    lease_until: float | None
    stage: str
    done: int
    total: int
    detail: str
    version_id: int | None
    verdict: str | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is, in images, or in faces for a relabelling."""

    listed: int
    done: int
    jobs_in_flight: int
    jobs_open: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What an archive holds, as it now stands.

    Attributes:
        images: listed files; the sum of with_face, no_face, unreadable, quarantined and pending.
        contents: different bytes among them.
        faces: faces of those contents, each counted once under however many names.
        labels: faces by label.
        unknown: faces that are none of the known labels.
        unscored: faces that no model has seen.
        pending: images that await a worker.
    """

    images: int
    contents: int
    faces: int
    labels: dict[str, int]
    unknown: int
    unscored: int
    with_face: int
    no_face: int
    unreadable: int
    quarantined: int
    pending: int


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """A face of an archive with the label that stands, for people to look at.

    Attributes:
        path: of one image that shows it, below the archive's root.
        label: the label that stands; None for a face that no model has seen.
        unknown: whether it is none of the known labels.
        stale: whether the label comes from an earlier version than the active one.
    """

    id: int
    path: bytes
    box: Box
    detector: str
    label: str | None
    confidence: float | None
    unknown: bool
    stale: bool
    annotated: bool


@dataclass(frozen=True, slots=True)
class RefusedImage:
    """An image that gave no picture: it is unreadable, or in quarantine.

    Attributes:
        root: of its archive, byte-exact.
        path: below the root, byte-exact.
        content_id: of its bytes; None where the file could not be read, or killed its workers.
        decoder: the libraries that judged its bytes; None where none did, or nobody knows.
        at: when that was, in seconds of the database's clock; None where nobody knows.
    """

    id: int
    archive_id: int
    root: bytes
    path: bytes
    content_id: int | None
    reason: str
    detail: str | None
    decoder: str | None
    at: float | None


@dataclass(frozen=True, slots=True)
class FacelessImage:
    """An image of an archive that has no face, with the reason; `preview` is a small JPEG."""

    id: int
    path: bytes
    outcome: Outcome
    reason: str | None
    detail: str | None
    preview: bytes | None
