"""Model versions and the log of what was live."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from db.store import models

if TYPE_CHECKING:
    from tests.ledger import Ledger


def test_nothing_is_active_at_first(ledger: Ledger) -> None:
    """A ledger without an activation has no active version, whatever was published."""
    ledger.publish_model(activate=False)
    with ledger.database.read() as connection:
        assert models.active(connection) is None
        assert [version.active for version in models.every(connection)] == [False]


def test_a_version_comes_back_as_it_was_published(ledger: Ledger) -> None:
    """Hash, embedder, manifest and parent are kept."""
    parent = ledger.publish_model("a")
    with ledger.database.write() as connection:
        version = models.publish(
            connection, sha256="b" * 64, embedder="taps", manifest='{"x": 1}', parent_id=parent
        )
        assert models.every(connection)[1] == version
    found = (version.sha256, version.embedder, version.manifest, version.parent_id, version.active)
    assert found == ("b" * 64, "taps", '{"x": 1}', parent, False)


def test_the_same_artifact_is_the_same_version(ledger: Ledger) -> None:
    """Publishing twice makes one row."""
    assert ledger.publish_model("a") == ledger.publish_model("a")
    assert ledger.value("SELECT count(*) FROM model_versions") == 1


def test_the_newest_activation_counts(ledger: Ledger) -> None:
    """Activating an older version again makes it live, and the log keeps every step."""
    first, second = ledger.publish_model("a"), ledger.publish_model("b")
    with ledger.database.write() as connection:
        active = models.active(connection)
        assert active is not None
        assert (active.id, active.active) == (second, True)
        models.activate(connection, first, why="back", rollback=True)
        assert models.newest_activation(connection) == (3, first)
        active = models.active(connection)
        assert active is not None
        assert active.id == first
        assert [version.active for version in models.every(connection)] == [True, False]
        log = [(line.version_id, line.why, line.rollback) for line in models.log(connection)]
    assert log == [(first, "a test", False), (second, "a test", False), (first, "back", True)]


def test_the_log_begins_empty(ledger: Ledger) -> None:
    """Before anything is live there is no newest activation."""
    with ledger.database.read() as connection:
        assert models.newest_activation(connection) is None
        assert models.log(connection) == []


def test_a_version_is_found_by_number_and_hash(ledger: Ledger) -> None:
    """A number names one version, the beginning of a hash all that begin with it."""
    first, second = ledger.publish_model("a"), ledger.publish_model("b")
    with ledger.database.read() as connection:
        found = models.get(connection, first)
        assert found is not None
        assert found.id == first
        assert models.get(connection, 99) is None
        assert [version.id for version in models.by_hash(connection, "bb")] == [second]
        assert models.by_hash(connection, "_b") == []


def test_a_refusal_stays_until_the_version_can_be_loaded(ledger: Ledger) -> None:
    """The newest reason of each worker counts, and goes when it accepts the version."""
    version = ledger.publish_model()
    with ledger.database.write() as connection:
        models.refuse(connection, version, worker="north", reason="torn")
        models.refuse(connection, version, worker="north", reason="missing")
        models.refuse(connection, version, worker="south", reason="torn")
        found = models.refusals(connection)
        assert [(one.worker, one.reason) for one in found] == [
            ("north", "missing"),
            ("south", "torn"),
        ]
        models.accept(connection, version, worker="north")
        assert [one.worker for one in models.refusals(connection)] == ["south"]


def test_refusals_are_those_of_the_live_version(ledger: Ledger) -> None:
    """What is not live troubles nobody, and an activation is a new attempt."""
    old, new = ledger.publish_model("a"), ledger.publish_model("b")
    with ledger.database.write() as connection:
        models.refuse(connection, old, worker="north", reason="torn")
        assert models.refusals(connection) == []
        assert len(models.refusals(connection, version_id=old)) == 1
        models.refuse(connection, new, worker="north", reason="torn")
        assert [one.version_id for one in models.refusals(connection)] == [new]
        models.activate(connection, new, why="mended")
        assert models.refusals(connection) == []


def test_an_embedder_has_one_number(ledger: Ledger) -> None:
    """Workers that meet a new embedder at the same moment agree on its number."""
    numbers: list[int] = []
    start = threading.Barrier(4)

    def number() -> None:
        start.wait()
        numbers.append(ledger.database.commit(lambda c: models.embedder_number(c, "taps")))

    threads = [threading.Thread(target=number) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(numbers) == 4
    assert len(set(numbers)) == 1
