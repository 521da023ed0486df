"""What is deployed to watch kaolabel: Prometheus' configuration and alerts, Grafana's dashboard."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.command import Kaolabel
from tests.prometheus import DEPLOYED, promtool

if TYPE_CHECKING:
    from collections.abc import Iterator

GRAFANA = DEPLOYED.parent / "grafana"
DASHBOARD = GRAFANA / "dashboards" / "kaolabel.json"

# What Grafana puts in the place of its variables.
VARIABLES = {
    "$__rate_interval": "1m",
    "$__range": "3h",
    "$instance": "one|two",
    "$stage": "detect",
}
NAME = re.compile(r"\bkaolabel_\w+")
FAMILY = re.compile(r"^# TYPE (\w+) (\w+)$", re.MULTILINE)

Panel = dict[str, Any]


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What `kaolabel metrics --once` prints in a home of its own."""
    done = Kaolabel(tmp_path_factory.mktemp("monitoring") / "home").run("metrics", "--once")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def names(once: str) -> set[str]:
    """The names that queries can use."""
    found = dict(FAMILY.findall(once))
    return {
        name + suffix
        for name, kind in found.items()
        for suffix in (("_bucket", "_sum", "_count") if kind == "histogram" else ("",))
    }


@pytest.fixture(scope="module")
def dashboard() -> Panel:
    """The dashboard, as Grafana reads it."""
    found: Panel = json.loads(DASHBOARD.read_text())
    return found


def expressions(dashboard: Panel) -> Iterator[str]:
    """Every query of the dashboard, its variables filled in."""
    queries = [target for panel in dashboard["panels"] for target in panel.get("targets", ())]
    for query in (*queries, *dashboard["annotations"]["list"]):
        expression = query["expr"]
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        yield expression


def alerts() -> list[dict[str, Any]]:
    """The rules of every alert."""
    groups = yaml.safe_load((DEPLOYED / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def test_prometheus_takes_its_configuration() -> None:
    """Prometheus' own tool finds no fault with the configuration and the alerts that it names."""
    promtool("check", "config", DEPLOYED / "prometheus.yml")


def test_each_alert_fires_when_it_should() -> None:
    """Made-up histories set off each alert, and an idle installation sets off none."""
    promtool("test", "rules", DEPLOYED / "alerts_test.yml")
    tests = yaml.safe_load((DEPLOYED / "alerts_test.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for fires in (True, False):
        tried = {case["alertname"] for case in cases if bool(case["exp_alerts"]) == fires}
        assert tried == {alert["alert"] for alert in alerts()}


def test_alerts_read_what_there_is(names: set[str]) -> None:
    """Alerts use only names that `kaolabel metrics` gives, and say what to do."""
    for alert in alerts():
        assert set(NAME.findall(alert["expr"])) <= names, alert["alert"]
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        assert alert["annotations"].keys() == {"summary", "description"}


def test_names_are_as_prometheus_wants_them(once: str) -> None:
    """Prometheus' own tool finds no fault with names, units and help texts."""
    promtool("check", "metrics", stdin=once)


def test_the_dashboard_is_whole(dashboard: Panel) -> None:
    """Every panel has an id, a title, an explanation and a place of its own."""
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        assert panel["title"]
        assert panel["type"] == "row" or panel["description"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= 24
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


def test_the_dashboard_asks_for_what_there_is(
    dashboard: Panel, names: set[str], tmp_path: Path
) -> None:
    """Every query is PromQL, and uses only names that `kaolabel metrics` gives."""
    found = list(expressions(dashboard))
    assert len(found) > 30
    for expression in found:
        assert "$" not in expression
        assert set(NAME.findall(expression)) <= names, expression
    rules = [{"record": f"q:{number}", "expr": expr} for number, expr in enumerate(found)]
    wrapped = tmp_path / "queries.yml"
    wrapped.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    promtool("check", "rules", wrapped)


def test_every_number_is_somewhere_to_be_seen(dashboard: Panel, names: set[str]) -> None:
    """The dashboard shows everything that `kaolabel metrics` gives."""
    shown = {name for expression in expressions(dashboard) for name in NAME.findall(expression)}
    listed = {"kaolabel_build_info", "kaolabel_runs", "kaolabel_stage_seconds_count"}
    assert names - shown <= listed


def test_the_page_lists_what_there_is(once: str) -> None:
    """The documentation has every metric and every alert, and no other."""
    page = (DEPLOYED.parents[1] / "docs" / "metrics.md").read_text()
    rows = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert rows == dict(FAMILY.findall(once)).keys() | {alert["alert"] for alert in alerts()}


def test_grafana_finds_its_dashboard() -> None:
    """The provisioned folder is the one that the compose file mounts; the data source is there."""
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["isDefault"]) == ("prometheus", True)
    (provider,) = yaml.safe_load((GRAFANA / "provisioning/dashboards/kaolabel.yml").read_text())[
        "providers"
    ]
    compose = yaml.safe_load((Path(__file__).parents[2] / "docker-compose.yml").read_text())
    mounts = compose["services"]["grafana"]["volumes"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in mounts
    assert source["url"] == "http://prometheus:9090"
    assert "prometheus" in compose["services"]
