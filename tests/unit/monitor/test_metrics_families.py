"""What a look at the ledger is to Prometheus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from db.figures import DECODE, Histogram, JobFigures
from db.records import Outcome
from db.store import models, runs, trainings, workers
from monitor.metrics.families import Ledger as Metrics
from monitor.metrics.reading import Reader
from monitor.metrics.watch import View
from tests.ledger import content, face, job_result

if TYPE_CHECKING:
    from db.records import RunRecord
    from tests.ledger import Ledger


def samples(ledger: Ledger) -> dict[str, float]:
    """Everything that a scraper gets, by name and labels."""
    reading = Reader(ledger.database).read()
    families = Metrics(lambda: View(reading, is_fresh=True)).collect()
    return {
        sample.name + "".join(f" {key}={value}" for key, value in sample.labels.items()): value
        for family in families
        for sample in family.samples
        for value in [sample.value]
    }


def waiting(ledger: Ledger, root: bytes, paths: int = 3) -> RunRecord:
    """A run with a job of so many files that waits for a worker."""
    run = ledger.run(root)
    ledger.register(run, *(b"%d" % number for number in range(paths)))
    ledger.cut(run)
    return run


def test_the_queue(ledger: Ledger) -> None:
    """Jobs of active runs are open, by state, with their images and the age of the oldest."""
    assert samples(ledger)["kaolabel_oldest_job_age_seconds"] == 0
    run = waiting(ledger, b"/one")
    stopped = waiting(ledger, b"/two", 5)
    ledger.register(run, b"x")
    ledger.claim(ledger.cut(run))
    with ledger.database.write() as connection:
        runs.stop(connection, stopped.id, reason="a test")
    ledger.execute("UPDATE jobs SET created_at = created_at - 3600 WHERE run_id = :run", run=run.id)
    ledger.execute("UPDATE jobs SET created_at = 0 WHERE run_id = :run", run=stopped.id)
    found = samples(ledger)
    assert found["kaolabel_jobs_open state=queued"] == found["kaolabel_jobs_open state=leased"] == 1
    assert found["kaolabel_items_open"] == 4
    assert found["kaolabel_jobs_stopped"] == 1
    assert 3600 <= found["kaolabel_oldest_job_age_seconds"] < 7200
    assert found["kaolabel_runs kind=label state=active"] == 1
    assert found["kaolabel_runs kind=label state=stopped"] == 1
    assert found[f"kaolabel_run_listed_images run={run.id}"] == 4
    assert found[f"kaolabel_run_due_images run={run.id}"] == 4
    assert f"kaolabel_run_due_images run={stopped.id}" not in found


def test_what_was_done(ledger: Ledger) -> None:
    """Counters add up what jobs found out, and buckets hold all times up to their bound."""
    waiting(ledger, b"/one", 1)
    claimed = ledger.claim(1)
    assert claimed is not None
    figures = JobFigures({"faces": 1}, {"lbp": 2}, 1, {DECODE: Histogram.of([0.002, 0.2, 99.0])})
    result = job_result([content(b"a", face())])
    ledger.commit(claimed, replace(result, figures=figures))
    found = samples(ledger)
    assert found["kaolabel_jobs_done_total kind=label"] == 1
    assert found["kaolabel_images_total outcome=faces"] == 1
    assert found["kaolabel_images_total outcome=quarantined"] == 0
    assert found["kaolabel_faces_total detector=lbp"] == 2
    assert found["kaolabel_unknown_faces_total"] == 1
    decode = {
        bound: found[f"kaolabel_stage_seconds_bucket stage=decode le={bound}"]
        for bound in ("0.001", "0.0025", "0.1", "0.25", "30.0", "+Inf")
    }
    assert list(decode.values()) == [0, 1, 1, 2, 2, 3]
    assert found["kaolabel_stage_seconds_count stage=decode"] == 3
    assert found["kaolabel_stage_seconds_sum stage=decode"] == 99.202
    assert found["kaolabel_stage_seconds_count stage=embed"] == 0


def test_refused_images(ledger: Ledger) -> None:
    """Quarantined and unreadable images count by reason; the rarest reasons are one series."""
    assert samples(ledger)["kaolabel_quarantined_images reason=none"] == 0
    run = ledger.run()
    ledger.register(run, *(b"%03d" % number for number in range(60)))
    refuse = (
        "UPDATE images SET outcome = :outcome, reason = :reason WHERE id BETWEEN :first AND :to"
    )
    outcome = Outcome.QUARANTINED
    ledger.execute(refuse, outcome=outcome, reason="decoder_crashed", first=1, to=10)
    ledger.execute(refuse, outcome=outcome, reason=None, first=11, to=12)
    for number in range(13, 60):
        ledger.execute(refuse, outcome="unreadable", reason=f"r{number}", first=number, to=number)
    found = samples(ledger)
    assert found["kaolabel_quarantined_images reason=decoder_crashed"] == 10
    assert found["kaolabel_quarantined_images reason=no_reason"] == 2
    unreadable = [value for name, value in found.items() if "unreadable_images" in name]
    assert (len(unreadable), sum(unreadable)) == (21, 47)


def test_models_and_trainings(ledger: Ledger) -> None:
    """The live version, swaps and rollbacks, who refuses it, and what became of trainings."""
    assert "kaolabel_model_version" not in samples(ledger)
    first, second = ledger.publish_model("a"), ledger.publish_model("b")
    with ledger.database.write() as connection:
        models.activate(connection, first, why="a test", rollback=True)
        models.refuse(connection, first, worker="one", reason="no file")
        models.refuse(connection, second, worker="two", reason="no file")
        wanted = [trainings.request(connection, request="{}", trigger="command") for _ in range(2)]
        trainings.fail(connection, wanted[0].id, error="a test")
    found = samples(ledger)
    assert found["kaolabel_model_version"] == first
    assert found["kaolabel_model_activations_total kind=activation"] == 2
    assert found["kaolabel_model_activations_total kind=rollback"] == 1
    assert found["kaolabel_model_activated_timestamp_seconds"] > 1_600_000_000
    assert found["kaolabel_model_refusals"] == 1
    assert found["kaolabel_trainings_total state=failed"] == 1
    assert found["kaolabel_trainings_total state=done"] == 0
    assert found["kaolabel_trainings_open state=queued"] == 1


def test_workers(ledger: Ledger) -> None:
    """Whoever was heard of lately counts by kind and version, and who fell silent is missing."""
    assert not [name for name in samples(ledger) if name.startswith("kaolabel_workers ")]
    with ledger.database.write() as connection:
        for name, version in (("a:1", "1"), ("b:2", "2"), ("c:3", "2")):
            workers.announce(connection, name, kind=workers.WORKER, version=version, decoders=4)
        workers.announce(connection, "t:4", kind=workers.TRAINER, version="2", decoders=None)
        workers.describe(connection, "b:2", model_version_id=7, draining=True)
    ledger.execute("UPDATE workers SET seen_at = seen_at - 100 WHERE name = 'c:3'")
    found = samples(ledger)
    assert found["kaolabel_workers kind=worker version=1"] == 1
    assert found["kaolabel_workers kind=worker version=2"] == 1
    assert found["kaolabel_workers kind=trainer version=2"] == 1
    assert found["kaolabel_workers_missing kind=worker"] == 1
    assert found["kaolabel_workers_missing kind=trainer"] == 0
    assert (found["kaolabel_workers_draining"], found["kaolabel_decoders"]) == (1, 8)
    assert found["kaolabel_worker_model_version worker=b:2"] == 7


def test_the_database(ledger: Ledger) -> None:
    """It answers, and it has a size."""
    found = samples(ledger)
    assert found["kaolabel_up"] == 1
    assert found["kaolabel_database_bytes"] > 10_000
    assert found["kaolabel_read_seconds"] > 0
