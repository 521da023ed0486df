"""Workers and trainers, as `kaolabel status` tells of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db import process

if TYPE_CHECKING:
    from db.store.workers import WorkerRecord

WORKING, DRAINING, MISSING, DEAD = "working", "draining", "missing", "dead"
GONE = (MISSING, DEAD)

OTHER_VERSION, OTHER_MODEL = "other_version", "other_model"


def describe_worker(worker: WorkerRecord, *, kaolabel: str, model: int | None) -> dict[str, Any]:
    """What there is to say of one.

    Args:
        worker: as it told of itself.
        kaolabel: the version of this command.
        model: number of the active model version.

    Returns:
        worker: its name, HOST:PID; host: the first part of that.
        kind: `worker` or `trainer`.
        state: `working`, `draining` (it ends after the job in hand), `missing` (silent for 30 s),
            or `dead` (which is known of this host's alone).
        kaolabel: its version.
        device: what it computes on, such as `cpu`; None until that is known.
        decoders: its decoder processes; None for a trainer.
        model: number of the version that it serves; None while it has none.
        started_at: when it was.
        seen_seconds: since it last told of itself, which it does every 10 s.
        trouble: what is not as it should be: `missing`, `dead`, `other_version` than this command
            has, `other_model` than is active; empty where all is well.
    """
    state = _state(worker)
    return {
        "worker": worker.name,
        "host": worker.name.rpartition(":")[0],
        "kind": worker.kind,
        "state": state,
        "kaolabel": worker.version,
        "device": worker.device,
        "decoders": worker.decoders,
        "model": worker.model_version_id,
        "started_at": worker.started_at,
        "seen_seconds": round(worker.silent, 1),
        "trouble": _trouble(worker, state, kaolabel=kaolabel, model=model),
    }


def _state(worker: WorkerRecord) -> str:
    if process.is_dead(worker.name):
        return DEAD
    if worker.is_missing:
        return MISSING
    return DRAINING if worker.draining else WORKING


def _trouble(worker: WorkerRecord, state: str, *, kaolabel: str, model: int | None) -> list[str]:
    serves = worker.model_version_id
    found = {
        state: state in GONE,
        OTHER_VERSION: worker.version != kaolabel,
        OTHER_MODEL: serves is not None and serves != model,
    }
    return [what for what, is_so in found.items() if is_so]
