"""What a look at the ledger is to Prometheus: names, labels and help texts.

Names follow https://prometheus.io/docs/practices/naming: base units, counters end in `_total`.
"""

from __future__ import annotations

import platform
from collections import Counter
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from db.figures import BOUNDS
from db.records import JobState, Outcome, RunState, TrainingState
from db.store import relabels, runs, workers
from db.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client.core import Metric

    from db.figures import Histogram
    from monitor.metrics.reading import Reading
    from monitor.metrics.totals import Sums
    from monitor.metrics.watch import View

# A value of each label.
K = TypeVar("K", bound=tuple[str, ...])


# A decoder that hostile bytes took over may give any reason, and every one is a series.
_MOST_REASONS = 20

_WAITING = (TrainingState.QUEUED, TrainingState.RUNNING)


class Ledger(Collector):
    """Gives what is known of the ledger to whoever collects.

    Where the ledger does not answer, counters keep their last values, so that rates have no gap in
    them, and gauges are left out: nobody knows how it stands.

    Args:
        view: what is known.
    """

    def __init__(self, view: Callable[[], View]) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        """All families, in groups."""
        view = self._view()
        yield _gauge("up", "Whether the database answered in time.", {(): view.is_fresh})
        yield _build()
        if view.reading is None:
            return
        yield from _counters(view.reading)
        if view.is_fresh:
            yield from _gauges(view.reading)


def _build() -> Metric:
    names = ("version", "python")
    values = {(__version__, platform.python_version()): 1}
    return _gauge("build_info", "The program that gives these numbers.", values, names)


def _counters(reading: Reading) -> Iterator[Metric]:
    yield from _work(reading.sums)
    models, done = reading.models, reading.trainings
    swaps = {("activation",): models.activations, ("rollback",): models.rollbacks}
    yield _counter("model_activations", "Swaps of the live model version.", swaps, ("kind",))
    ended = {(str(state),): done.get(state, 0) for state in TrainingState if state not in _WAITING}
    yield _counter("trainings", "Trainings that ended.", ended, ("state",))


def _work(sums: Sums) -> Iterator[Metric]:
    yield _counter("jobs_done", "Jobs done.", _by(sums.jobs), ("kind",))
    yield _counter("images", "Images that jobs have done.", _by(sums.outcomes), ("outcome",))
    yield _counter("faces", "Faces found in new images.", _by(sums.faces), ("detector",))
    unknown = "Faces found that are none of the model's labels."
    yield _counter("unknown_faces", unknown, {(): sums.unknown})
    stages = HistogramMetricFamily(
        "kaolabel_stage_seconds",
        "Seconds to decode an image, search it, embed a batch of faces, store a job.",
        labels=("stage",),
    )
    for stage, times in sorted(sums.stages.items()):
        stages.add_metric((stage,), _buckets(times), times.seconds)
    yield stages


def _gauges(reading: Reading) -> Iterator[Metric]:
    yield from _queue(reading)
    yield from _runs(reading)
    yield from _refused(reading.refused)
    yield from _models(reading)
    yield from _workers(reading)
    yield _gauge("database_bytes", "Size of the database.", {(): reading.size})
    yield _gauge("read_seconds", "How long reading all this took.", {(): reading.seconds})


def _queue(reading: Reading) -> Iterator[Metric]:
    active = [some for some in reading.jobs if some.run == RunState.ACTIVE]
    queue = {(str(state),): 0 for state in (JobState.QUEUED, JobState.LEASED)}
    queue |= {(str(some.job),): some.jobs for some in active}
    yield _gauge("jobs_open", "Jobs of active runs that wait or are at work.", queue, ("state",))
    stopped = sum(some.jobs for some in reading.jobs if some.run != RunState.ACTIVE)
    yield _gauge("jobs_stopped", "Jobs whose run was stopped.", {(): stopped})
    items = "Images, and faces of relabellings, in the open jobs of active runs."
    yield _gauge("items_open", items, {(): sum(some.items for some in active)})
    age = max((some.age for some in active), default=0.0)
    oldest = "Age of the oldest open job of an active run; 0 where there is none."
    yield _gauge("oldest_job_age_seconds", oldest, {(): age})


def _runs(reading: Reading) -> Iterator[Metric]:
    kinds, states = (runs.LABEL, relabels.RELABEL), (RunState.ACTIVE, RunState.STOPPED)
    found = {(k, str(s)): reading.runs.get((k, s), 0) for k in kinds for s in states}
    yield _gauge("runs", "Runs and relabellings that are not over.", found, ("kind", "state"))
    listed = {(str(run.run_id),): run.listed for run in reading.extents}
    yield _gauge("run_listed_images", "Files that an active run has listed.", listed, ("run",))
    due = {(str(run.run_id),): run.due for run in reading.extents}
    yield _gauge("run_due_images", "Files of an active run that await a worker.", due, ("run",))


def _refused(found: Mapping[tuple[str, str], int]) -> Iterator[Metric]:
    quarantined = _reasons(found, Outcome.QUARANTINED)
    help_ = "Images that killed a decoder or their workers, by reason."
    yield _gauge("quarantined_images", help_, quarantined, ("reason",))
    unreadable = _reasons(found, Outcome.UNREADABLE)
    yield _gauge("unreadable_images", "Images that gave no picture.", unreadable, ("reason",))


def _reasons(found: Mapping[tuple[str, str], int], outcome: Outcome) -> dict[tuple[str], int]:
    """The most frequent reasons, and the others as one; a zero where there is none."""
    counts = Counter({reason: n for (of, reason), n in found.items() if of == outcome})
    named = counts.most_common(_MOST_REASONS)
    others = counts.total() - sum(count for _, count in named)
    values = {(reason,): count for reason, count in named}
    if others:
        values["others",] = others
    # So that the first image of a quarantine is seen as a rise from nothing.
    return values or {("none",): 0}


def _models(reading: Reading) -> Iterator[Metric]:
    models, trainings = reading.models, reading.trainings
    active = {} if models.active is None else {(): models.active}
    yield _gauge("model_version", "Number of the live model version.", active)
    at = {} if models.activated_at is None else {(): models.activated_at}
    yield _gauge("model_activated_timestamp_seconds", "When it became live.", at)
    refusals = "Hosts that cannot load the live model version."
    yield _gauge("model_refusals", refusals, {(): models.refusals})
    still = {(str(state),): trainings.get(state, 0) for state in _WAITING}
    yield _gauge("trainings_open", "Trainings that wait or run.", still, ("state",))


def _workers(reading: Reading) -> Iterator[Metric]:
    seen = [worker for worker in reading.workers if not worker.is_missing]
    counts = Counter((worker.kind, worker.version) for worker in seen)
    about = "Workers and trainers heard of within half a minute."
    yield _gauge("workers", about, counts, ("kind", "version"))
    missing = Counter((worker.kind,) for worker in reading.workers if worker.is_missing)
    both = {(kind,): missing.get((kind,), 0) for kind in (workers.WORKER, workers.TRAINER)}
    silent = "Workers and trainers that fell silent within a day, without ending."
    yield _gauge("workers_missing", silent, both, ("kind",))
    draining = sum(worker.draining for worker in seen)
    yield _gauge("workers_draining", "Workers that take no more jobs.", {(): draining})
    decoders = sum(worker.decoders or 0 for worker in seen)
    yield _gauge("decoders", "Decoder processes of all workers.", {(): decoders})
    serving = {(w.name,): w.model_version_id for w in seen if w.model_version_id is not None}
    using = "Number of the model version that a worker uses."
    yield _gauge("worker_model_version", using, serving, ("worker",))


def _by(counts: Mapping[str, int]) -> dict[tuple[str], int]:
    return {(name,): count for name, count in sorted(counts.items())}


def _buckets(times: Histogram) -> list[tuple[str, float]]:
    """Counts of the times up to each bound."""
    names = (*(str(bound) for bound in BOUNDS), "+Inf")
    return list(zip(names, accumulate(times.counts), strict=True))


def _gauge(name: str, about: str, values: Mapping[K, float], labels: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(f"kaolabel_{name}", about, labels=labels)
    for label, value in values.items():
        family.add_metric(label, value)
    return family


def _counter(
    name: str, about: str, values: Mapping[K, float], labels: Sequence[str] = ()
) -> Metric:
    family = CounterMetricFamily(f"kaolabel_{name}", about, labels=labels)
    for label, value in values.items():
        family.add_metric(label, value)
    return family
