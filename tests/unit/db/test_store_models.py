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
    """Activating an older version again is a rollback, and the log keeps every step."""
    first, second = ledger.publish_model("a"), ledger.publish_model("b")
    with ledger.database.write() as connection:
        active = models.active(connection)
        assert active is not None
        assert (active.id, active.active) == (second, True)
        models.activate(connection, first, why="rollback")
        active = models.active(connection)
        assert active is not None
        assert active.id == first
        assert [version.active for version in models.every(connection)] == [True, False]
    assert ledger.rows("SELECT why FROM activations ORDER BY id") == [
        ("a test",),
        ("a test",),
        ("rollback",),
    ]


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
