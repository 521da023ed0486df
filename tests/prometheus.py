"""A real Prometheus and its tool, where Debian's package `prometheus` is installed."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.command import wait_for
from tests.faults.services import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOYED = Path(__file__).parents[1] / "deploy" / "prometheus"


def find(program: str) -> str:
    """The path of `prometheus` or `promtool`; the test is skipped where there is none."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"needs {program}: install Debian's package prometheus")
    return found


def promtool(*arguments: str | Path, stdin: str = "") -> None:
    """Run Prometheus' own checks; they must pass."""
    command = [find("promtool"), *map(str, arguments)]
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    # It warns of bad names on standard error.
    assert "error" not in done.stderr.lower(), done.stderr


def samples(text: str) -> dict[str, float]:
    """Every sample of a page of metrics, by name and sorted labels, such as `up{job="a"}`."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f'{key}="{sample.labels[key]}"' for key in sorted(sample.labels))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


class Prometheus:
    """A Prometheus that answers queries.

    Args:
        url: where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives right now: series with `metric` and `value`."""
        found = self.ask("query", query=expression)["result"]
        assert isinstance(found, list)
        return found

    def value(self, expression: str) -> float | None:
        """The value of an expression that gives one series; None where it gives none."""
        series = self.query(expression)
        return float(series[0]["value"][1]) if series else None

    def ask(self, what: str, **parameters: str) -> dict[str, Any]:
        """The data of an answer of its API."""
        url = f"{self.url}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310  # on loopback
            found: dict[str, Any] = json.load(answer)["data"]
        return found

    @property
    def is_ready(self) -> bool:
        """Whether it answers by now."""
        with contextlib.suppress(OSError, urllib.error.URLError):
            return bool(self.ask("status/buildinfo"))
        return False


@contextlib.contextmanager
def serve(folder: Path, *, target: str) -> Iterator[Prometheus]:
    """A Prometheus with the deployed rules, that scrapes a `kaolabel metrics` at HOST:PORT."""
    program = find("prometheus")
    shutil.copytree(DEPLOYED, folder)
    config = yaml.safe_load((folder / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "500ms", "scrape_timeout": "500ms"}
    (job,) = (job for job in config["scrape_configs"] if job["job_name"] == "kaolabel")
    job["static_configs"] = [{"targets": [target]}]
    config["scrape_configs"] = [job]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    arguments = [f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={address}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *arguments, f"--storage.tsdb.path={folder / 'data'}"], stdout=log, stderr=log
        )
        try:
            prometheus = Prometheus(f"http://{address}")
            wait_for(lambda: prometheus.is_ready, what="Prometheus", seconds=60)
            yield prometheus
        finally:
            process.terminate()
            process.wait(60)
