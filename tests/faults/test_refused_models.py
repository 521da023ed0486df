"""Models that are broken, forged or hostile, put under a worker that serves another one.

That ten good ones in turn lose and mix nothing is shown by `tests/integration/test_hot_swap.py`.
"""

from __future__ import annotations

import pickle
import shutil
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
import redis

from tests.command import Kaolabel
from tests.models import evidence_of, small_artifact, small_head
from tests.swapping import LABELS, PATIENCE, require_one_version_a_job, untrained, working
from worker.models import artifact as artifacts
from worker.models import backbone, registry, tensors
from worker.models.network import import_keras

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from db.records import VersionRecord
    from tests.swapping import Station

# One process starts the worker for all of them.
pytestmark = [
    pytest.mark.xdist_group("models"),
    pytest.mark.timeout(600),
    pytest.mark.thorough,
    # Keras writes its own files with calls that NumPy 2 and h5py warn of.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

MODEL = 5
CODE_RAN = "code-ran"

_LAST = "the last command"


class Break(NamedTuple):
    """How a version comes to harm after it was published, and what is then said of it."""

    harm: Callable[[Station], VersionRecord]
    reason: str


class Bomb:
    """Unpickling it leaves a file."""

    def __init__(self, home: Path) -> None:
        self.trace = home / CODE_RAN

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.trace,)


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A worker that serves version 1."""
    embedder = untrained(tmp_path_factory.mktemp("weights"))
    with working(tmp_path_factory.mktemp("models"), "", embedder) as station:
        good = station.publish(LABELS[0])
        station.activate(good)
        station.serve(good)
        yield station


@contextmanager
def sent(station: Station) -> Iterator[list[str]]:
    """All that Redis is told from now on; complete when the block has ended."""
    commands: list[str] = []
    with (
        redis.Redis(unix_socket_path=str(station.server.socket)) as client,
        client.monitor() as monitor,
    ):
        listener = threading.Thread(target=_note, args=(monitor, commands), daemon=True)
        listener.start()
        yield commands
        client.set(_LAST, 1)
        listener.join(PATIENCE)


def _note(monitor: Any, commands: list[str]) -> None:
    for heard in monitor.listen():
        if _LAST in heard["command"]:
            return
        commands.append(heard["command"])


def folder_of(station: Station, version: VersionRecord) -> Path:
    """Where a version's artifact lies."""
    return artifacts.stored_path(version.sha256, home=station.home)


def corrupt(station: Station) -> VersionRecord:
    """One bit of the head's numbers is another one."""
    version = station.publish(LABELS[1], threshold=0.01)
    path = folder_of(station, version) / artifacts.HEAD_FILE
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    return version


def misshapen(station: Station) -> VersionRecord:
    """The head takes embeddings of another length."""
    version = station.publish(LABELS[1], threshold=0.02)
    head = {"weight": np.zeros((100, 2), np.float32), "bias": np.zeros(2, np.float32)}
    tensors.save(head, folder_of(station, version) / artifacts.HEAD_FILE)
    return version


def exchanged(station: Station) -> VersionRecord:
    """A sound model lies in its place, of which the registry knows another hash."""
    version = station.publish(LABELS[1], threshold=0.03)
    other = station.publish(LABELS[1], threshold=0.04)
    shutil.rmtree(folder_of(station, version))
    shutil.copytree(folder_of(station, other), folder_of(station, version))
    return version


def pickled(station: Station) -> VersionRecord:
    """The head is a pickle that would run code."""
    version = station.publish(LABELS[1], threshold=0.05)
    path = folder_of(station, version) / artifacts.HEAD_FILE
    path.write_bytes(pickle.dumps(Bomb(station.home)))
    return version


def with_code(station: Station) -> VersionRecord:
    """The backbone that it names is a Keras file with a Lambda layer that would run code."""
    trace = str(station.home / CODE_RAN)
    keras = import_keras()
    evil = keras.layers.Lambda(lambda x: __import__("pathlib").Path(trace).touch() or x)
    model = keras.Sequential([keras.Input((2,)), evil, keras.layers.Dense(1)])
    file = station.home / "evil.keras"
    model.save(file)
    Path(trace).unlink()
    spec = replace(station.embedder.spec, sha256="ab" * 32)
    file.rename(backbone.stored_path(spec.sha256, home=station.home))
    head = small_head(256, seed=9)
    artifact = small_artifact(head, spec=spec, evidence=evidence_of(head))
    artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=station.home))
    return registry.publish(station.ledger.database, artifact)


BREAKS = (
    Break(corrupt, "is not"),
    Break(misshapen, "takes 100 features, not 256"),
    Break(exchanged, "is not"),
    Break(pickled, "cannot be read as safetensors"),
    Break(with_code, "cannot be read as safetensors"),
)


@pytest.mark.parametrize("broken", BREAKS, ids=lambda one: one.harm.__name__)
def test_a_broken_model_is_refused_and_the_old_one_serves(station: Station, broken: Break) -> None:
    """The worker says why in log and list and goes on; the command refuses it in one line."""
    good = registry.require_active(station.ledger.database)
    version = broken.harm(station)
    kaolabel = Kaolabel(station.home)
    refused = kaolabel.run("models", "activate", str(version.id))
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (MODEL, "", 1)
    assert broken.reason in refused.stderr
    station.activate(version)
    station.work_until(lambda: bool(station.refusals(version)))
    station.serve(good)
    assert broken.reason in station.refusals(version)[0]
    assert f"version {version.id} is refused: " in station.worker.log.read_text()
    listed = kaolabel.json("models")["models"]
    assert [one["version"] for one in listed if one["refused_by"]] == [version.id]
    registry.rollback(station.ledger.database, why="it is refused")
    station.serve(good)
    station.finish()
    require_one_version_a_job(station)
    query = "SELECT count(*) FROM jobs WHERE version_id <> :good"
    assert station.ledger.value(query, good=good.id) == 0
    assert not (station.home / CODE_RAN).exists()


def test_a_swap_needs_no_broadcast(station: Station) -> None:
    """While nothing tells the worker of it through Redis, the next version serves all the same."""
    good = registry.require_active(station.ledger.database)
    other = station.publish(LABELS[1])
    with sent(station) as commands:
        station.activate(other)
        station.serve(other)
        registry.rollback(station.ledger.database, why="enough of it")
        station.serve(good)
        station.finish()
    assert any("kaolabel.label_job" in command for command in commands)
    assert [command for command in commands if "pidbox" in command] == []
