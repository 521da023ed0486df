"""`kaolabel metrics` as its users run it: looked at once, by Prometheus, and in an outage."""

from __future__ import annotations

import contextlib
import json
import signal
import urllib.request
from typing import TYPE_CHECKING

from bench.drawings import draw_archive
from tests import prometheus
from tests.command import Kaolabel, finish, wait_for
from tests.outage import outage_of
from tests.prometheus import samples

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from db.engine import Database


class Metrics:
    """A `kaolabel metrics` that runs.

    Args:
        process: the command.

    Attributes:
        url: of its page.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        self.process = process
        said = json.loads(process.stderr.readline())["event"]
        assert said.startswith("metrics are at http://"), said
        self.url = str(said.split()[-1])

    def scrape(self) -> dict[str, float]:
        """Everything on its page."""
        with urllib.request.urlopen(self.url, timeout=60) as answer:  # noqa: S310  # on loopback
            return samples(answer.read().decode())


@contextlib.contextmanager
def metrics(kaolabel: Kaolabel) -> Iterator[Metrics]:
    """The command on a free port; it ends well when the block does."""
    process = kaolabel.start("metrics", "--port", "0")
    try:
        yield Metrics(process)
    finally:
        process.terminate()
        done = finish(process)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_keeps_its_port_until_ctrl_c(home: Path) -> None:
    """Who starts it twice is told so in a line; Ctrl-C ends it well, as SIGTERM does."""
    running = Metrics(Kaolabel(home).start("metrics", "--port", "0"))
    port = running.url.rpartition(":")[2].partition("/")[0]
    again = Kaolabel(home).run("metrics", "--port", port)
    assert again.returncode == 2
    assert again.stderr.startswith(f"kaolabel: cannot listen on 127.0.0.1:{port}: Address already")
    assert again.stderr.count("\n") == 1
    running.process.send_signal(signal.SIGINT)
    done = finish(running.process)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_in_an_outage_it_says_so(home: Path, postgresql: Database) -> None:
    """Without its database it answers that it is away, with counters; then it goes on by itself."""
    url = postgresql.url.render_as_string(hide_password=False)
    with (
        metrics(Kaolabel(home, KAOLABEL_DATABASE_URL=url)) as running,
        outage_of(postgresql) as outage,
    ):
        assert running.scrape()["kaolabel_up"] == 1
        outage.begin()
        found = running.scrape()
        assert found["kaolabel_up"] == 0
        assert found['kaolabel_images_total{outcome="faces"}'] == 0
        assert not [name for name in found if name.startswith("kaolabel_jobs_open")]
        outage.end()
        assert running.scrape()["kaolabel_up"] == 1


def test_a_prometheus_sees_a_run(home: Path, tmp_path: Path) -> None:
    """Scraped while images are labelled, it ends with what `kaolabel metrics --once` counts."""
    draw_archive(tmp_path / "archive", 60)
    (tmp_path / "archive" / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    kaolabel = Kaolabel(home, KAOLABEL_DECODERS="1")
    with (
        metrics(kaolabel) as running,
        prometheus.serve(tmp_path / "prometheus", target=_target(running)) as watching,
    ):
        before = wait_for(lambda: watching.query("kaolabel_up"), what="a scrape")
        assert before[0]["metric"]["job"] == "kaolabel"
        labelled = kaolabel.start("label", str(tmp_path / "archive"), "--detect-only", "--json")
        wait_for(lambda: watching.value('sum(kaolabel_workers{kind="worker"})'), what="a worker")
        summary = json.loads(finish(labelled).stdout)
        done = "sum by (outcome) (kaolabel_images_total) > 0"
        wait_for(lambda: len(watching.query(done)) == 3, what="a scrape of all results")
        _compare(watching, summary, samples(kaolabel.run("metrics", "--once").stdout))


def _target(running: Metrics) -> str:
    return running.url.removeprefix("http://").removesuffix("/metrics")


def _compare(
    watching: prometheus.Prometheus, summary: dict[str, int], once: dict[str, float]
) -> None:
    """What Prometheus has at the end is what the run said, and what one look shows."""
    for outcome, said in (
        ("faces", "with_face"),
        ("no_face", "no_face"),
        ("unreadable", "unreadable"),
    ):
        name = f'kaolabel_images_total{{outcome="{outcome}"}}'
        assert watching.value(name) == once[name] == summary[said]
    assert watching.value("sum(kaolabel_faces_total)") == summary["faces"]
    assert watching.value('kaolabel_stage_seconds_count{stage="decode"}') == 60
    assert watching.value("sum(kaolabel_unreadable_images)") == 1
    assert watching.value("sum(kaolabel_jobs_open)") == 0
    rules = [rule["name"] for group in watching.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == 10
    assert watching.query("ALERTS") == []
