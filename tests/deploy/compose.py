"""docker-compose.yml as Compose would read it: merged, and with its variables filled in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker-compose.yml"
OVERRIDES = sorted((ROOT / "deploy").glob("compose.*.yml"))

# What people must set; anything else has a default.
REQUIRED = {"KAOLABEL_ARCHIVE": "/drawings", "KAOLABEL_LISTEN": "10.0.0.1", "KAOLABEL_MODELS": "/m"}

VARIABLE = re.compile(r"\$(?:(?P<escaped>\$)|\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<rest>[^}]*))?\})")


class _Loader(yaml.SafeLoader):
    """Takes Compose's own tags, which say how a file is merged, for what follows them."""


def _without_tag(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    assert isinstance(node, yaml.SequenceNode)
    return loader.construct_sequence(node, deep=True)


for _tag in ("!override", "!reset"):
    _Loader.add_constructor(_tag, _without_tag)


def read(path: Path = FILE, /, **values: str) -> dict[str, Any]:
    """A Compose file with these values for its variables, beside those that are required."""
    found: dict[str, Any] = _filled(parse(path), REQUIRED | values)
    return found


def parse(path: Path) -> Any:
    """A Compose file as it stands there, aliases and merge keys resolved."""
    return yaml.load(path.read_text(), _Loader)  # noqa: S506  # a safe loader with two more tags


def services(**values: str) -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml."""
    found: dict[str, dict[str, Any]] = read(FILE, **values)["services"]
    return found


def ours(**values: str) -> dict[str, dict[str, Any]]:
    """The services that are kaolabel itself."""
    found = services(**values)
    return {name: one for name, one in found.items() if one["image"].startswith("kaolabel:")}


def in_order(found: dict[str, dict[str, Any]]) -> list[str]:
    """The names of the services, each after what it depends on."""
    order: list[str] = []

    def visit(name: str) -> None:
        for other in found[name].get("depends_on", ()):
            visit(other)
        if name not in order:
            order.append(name)

    for name in found:
        visit(name)
    return order


def _filled(value: Any, values: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(one, values) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, values) for one in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda match: _value(match, values), value)
    return value


def _value(match: re.Match[str], values: dict[str, str]) -> str:
    if match["escaped"]:
        return "$"
    # Compose takes an empty value for none at all, where there is a colon.
    if found := values.get(match["name"]):
        return found
    assert match["kind"] == ":-", f"{match[0]} has no value"
    return str(match["rest"])
