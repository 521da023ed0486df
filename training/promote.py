"""The gate: whether a trained model takes the place of the active one.

It must be as good on the same held-out faces, within a margin, and must not change more labels in
the archives than a set share. What cannot be compared does not pass: then a person decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from db.errors import ModelError
from training.contest import Contender, compete
from training.verdict import Count, Limits, Verdict
from worker.models import registry
from worker.models.comparison import compare

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from db.engine import Database
    from db.records import VersionRecord
    from training.contest import Contest
    from training.example import Example
    from worker.models.diff import Diff
    from worker.progress import Progress

DEFAULTS = Limits()

# Labels that a reason lists.
_NAMED = 5


def promote(
    database: Database,
    *,
    home: Path,
    candidate: VersionRecord,
    examples: Sequence[Example],
    limits: Limits = DEFAULTS,
    force: bool = False,
    why: str = "trained",
    cache: Path | None = None,
    progress: Progress,
) -> Verdict:
    """Judge a published version, and activate it if it passes or is forced.

    Args:
        database: holds the versions and the archives' faces.
        home: kaolabel's own folder.
        candidate: the version; not active yet.
        examples: the faces that its judged head was not fitted on.
        limits: how much worse and how different it may be.
        force: whether to activate it even if it does not pass.
        why: where it comes from, for the log of activations; the verdict is added.
        cache: the folder of embeddings of its training, or None.
        progress: called with (stage, done, total).

    Returns:
        The verdict.

    Raises:
        ModelError: the candidate itself cannot be loaded; nothing is activated.
    """
    verdict = judge(
        database,
        home=home,
        candidate=candidate,
        examples=examples,
        limits=limits,
        force=force,
        cache=cache,
        progress=progress,
    )
    now = registry.active(database)
    serving = None if now is None else now.id
    if serving != verdict.against:
        verdict = _overtaken(verdict, serving, force=force)
    if verdict.activates and serving != candidate.id:
        registry.activate(database, candidate.id, why=f"{why}; {verdict}")
    return verdict


def judge(
    database: Database,
    *,
    home: Path,
    candidate: VersionRecord,
    examples: Sequence[Example],
    limits: Limits = DEFAULTS,
    force: bool = False,
    cache: Path | None = None,
    progress: Progress,
) -> Verdict:
    """Compare a published version with the active one; nothing is written.

    Args:
        database: as for `promote`, like all others.

    Returns:
        The verdict. The first model always passes, and so does the active one itself.

    Raises:
        ModelError: the candidate itself cannot be loaded.
    """
    measured = Count.of(candidate)
    active = registry.active(database)
    if active is not None and active.id == candidate.id:
        reason = "it is the active model already"
        return Verdict(True, False, (reason,), measured, against=active.id)
    new = Contender.load_proven(candidate, home=home)
    if active is None:
        return Verdict(True, False, ("it is the first model",), measured)
    try:
        old = Contender.load(active, home=home, like=new.model)
        contest = compete(new, old, examples, cache=cache, progress=progress)
        diff = compare(
            database,
            old.model,
            new.model,
            sample=limits.sample,
            progress=lambda done, total: progress("comparing", done, total),
        )
    except ModelError as error:
        # The candidate has proven itself, so this is the active model's.
        reason = f"version {active.id} is active, but cannot be compared with: {error}"
        reasons = (reason,) if force else (reason, _hint(candidate))
        return Verdict(False, force, reasons, measured, against=active.id)
    return _weigh(contest, diff, candidate=candidate, limits=limits, force=force)


@dataclass(frozen=True, slots=True)
class _Finding:
    fine: bool
    text: str


def _weigh(
    contest: Contest, diff: Diff, *, candidate: VersionRecord, limits: Limits, force: bool
) -> Verdict:
    findings = (_quality(contest, diff.old, limits), _stability(diff, limits))
    passed = all(finding.fine for finding in findings)
    reasons = [finding.text for finding in findings]
    return Verdict(
        passed=passed,
        forced=force and not passed,
        reasons=tuple(reasons if passed or force else [*reasons, _hint(candidate)]),
        candidate=contest.candidate,
        active=contest.active,
        changed_share=diff.changed_share,
        against=diff.old,
    )


def _quality(contest: Contest, version: int, limits: Limits) -> _Finding:
    aside = f" ({contest.left_out})" if contest.left_out else ""
    new, old = contest.candidate, contest.active
    if not new.n:
        return _Finding(
            False, f"no held-out face is left to compare it with version {version} on{aside}"
        )
    allowed = limits.allowed(new.n)
    return _Finding(
        new.correct >= old.correct - allowed,
        f"{new} held-out faces right against {old} of version {version}, where {allowed} fewer "
        f"are allowed{aside}",
    )


def _stability(diff: Diff, limits: Limits) -> _Finding:
    share = diff.changed_share
    if share is None:
        return _Finding(True, "no stored face can change its label")
    dropped = f", as it knows no {_names(diff.only_old)} any more" if diff.only_old else ""
    return _Finding(
        share <= limits.max_change,
        f"{diff.held_against:,} of {diff.scored:,} stored faces looked at ({share:.1%}) change "
        f"their label{dropped}, where {limits.max_change:.1%} may",
    )


def _names(labels: Sequence[str]) -> str:
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _overtaken(verdict: Verdict, serving: int | None, *, force: bool) -> Verdict:
    """What becomes of a verdict when another version was activated while it was formed."""
    reason = f"version {serving} was activated meanwhile, with which it was not compared"
    return replace(verdict, passed=False, forced=force, reasons=(*verdict.reasons, reason))


def _hint(candidate: VersionRecord) -> str:
    return f"`kaolabel models activate {candidate.id}` activates it all the same"
