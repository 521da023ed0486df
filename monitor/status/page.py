"""The status as people see it: whole where it is printed, or cut to fit a terminal's height."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.text import Text

from db.store.workers import WORKER
from monitor.status.tables import Fit, runs_table, workers_table
from monitor.status.words import counts, duration
from worker.visible import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

# Columns from which on there is room for what is only nice to have.
_WIDE = 100

# Runs and workers that are always shown, whatever the height.
_LEAST = 2

# Lines of a table besides its rows: its head, an empty one, and how many rows are left out.
_FRAME = 3


def render(found: dict[str, Any], *, size: tuple[int, int] | None = None) -> RenderableType:
    """The status for people.

    Args:
        found: as `collect` gives it.
        size: width and height of the terminal, where it must fit that: no line is longer, and of
            tables only the most important rows are shown. None for all there is.
    """
    above, below = _above(found), [*_trainings(found["trainings"]), *_refused(found)]
    runs, workers = Fit(), Fit()
    if size is not None:
        room = _share(found, size[1] - len(above) - len(below))
        runs, workers = (Fit(rows, tight=True, wide=size[0] >= _WIDE) for rows in room)
    return Group(
        *(_line(text, fit=runs) for text in above),
        *runs_table(found["runs"], runs),
        *workers_table(found["workers"], workers),
        *(_line(text, fit=runs) for text in below),
    )


def _share(found: dict[str, Any], room: int) -> tuple[int, int]:
    """How many rows each table may have; the workers get what the runs leave."""
    runs, workers = len(found["runs"]), len(found["workers"])
    room -= _FRAME * (bool(runs) + bool(workers))
    some = max(_LEAST, min(runs, max(room // 2, room - workers)))
    return some, max(_LEAST, room - min(some, runs))


def _line(text: Text, *, fit: Fit) -> Text:
    text.no_wrap, text.overflow = fit.tight, "ellipsis" if fit.tight else "fold"
    return text


def _above(found: dict[str, Any]) -> list[Text]:
    model = found["active_model"]
    serving = f"version {model}" if model else "none; train one with `kaolabel train DIR`"
    return [
        Text(f"database  {found['database']}"),
        Text(f"model     {serving}"),
        *(
            Text(
                f"          refused by {visible(one['worker'])}, where the one before goes on:"
                f" {visible(one['reason'])}",
                style="red",
            )
            for one in found["refusals"]
        ),
        *_broker(found["broker"]),
        *_queue(found),
    ]


def _broker(broker: dict[str, Any] | None) -> list[Text]:
    if broker is None:
        return []
    url = visible(broker["url"] or "")
    if not broker["answers"]:
        why = visible(broker["error"])
        return [Text(f"broker    {url} does not answer: {why}", style="red")]
    waiting = counts(broker["waiting"], "message waits", "messages wait")
    trainings = broker["waiting_trainings"]
    more = f", {trainings:,} for trainers" if trainings else ""
    return [Text(f"broker    {url}, {waiting}{more}")]


def _queue(found: dict[str, Any]) -> list[Text]:
    queue = found["queue"]
    if not queue["jobs_open"]:
        return [Text("queue     empty")]
    jobs = counts(queue["jobs_open"], "job", "jobs")
    age, rate = duration(queue["oldest_seconds"]), found["images_per_second"]
    told = f"{jobs}, {queue['jobs_leased']:,} with workers, the oldest {age} old"
    nobody = Text("          no worker is heard of: start `kaolabel worker`", style="yellow")
    return [
        Text(f"queue     {told}; {rate:,.1f} images/s"),
        *([] if any(one["kind"] == WORKER for one in found["workers"]) else [nobody]),
    ]


def _trainings(found: list[dict[str, Any]]) -> list[Text]:
    return [Text(), *map(_training, found)] if found else []


def _training(training: dict[str, Any]) -> Text:
    steps = f" {training['done']:,}/{training['total']:,}" if training["total"] else ""
    state = f"{training['state']}, {training['stage']}{steps}"
    if training["state"] in {"done", "failed"}:
        state = f"{training['state']} in {duration(training['seconds'])}"
    made = f", version {training['version']}" if training["version"] else ""
    what = training["error"] or training["verdict"] or training["detail"]
    lost = training["state"] == "running" and training["lost"]
    gone = f"; {visible(training['holder'] or '')} is not heard of" if lost else ""
    head = f"training {training['training']} by {training['trigger']}: {state}{made}{gone}"
    bad = lost or training["state"] == "failed"
    return Text(f"{head}; {visible(what)}" if what else head, style="red" if bad else "")


def _refused(found: dict[str, Any]) -> list[Text]:
    lines = [
        Text(f"{outcome} {sum(reasons.values()):,}: {_reasons(reasons)}", style="yellow")
        for outcome in ("quarantined", "unreadable")
        if (reasons := found[outcome])
    ]
    return [Text(), *lines] if lines else []


def _reasons(reasons: dict[str, int]) -> str:
    return ", ".join(f"{visible(reason)} {number:,}" for reason, number in reasons.items())
