"""docs/reference.md, rendered from the program; `python -m tests.docs.reference` writes it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from pydantic import BaseModel

import kaolabel
from tests.docs.messages import PACKAGES, ROOT
from tests.docs.pages import every

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo
    from pydantic_settings import BaseSettings

PAGE = ROOT / "docs" / "reference.md"
COMMAND = "python -m tests.docs.reference"

_HEAD = """\
# Commands and settings

This page is made from the program itself: what `--help` prints, and the settings that it reads.
`kaolabel --install-completion` teaches your shell (bash, zsh, fish) to complete commands, options,
runs and versions.

## Settings

Settings are environment variables. A wrong one ends the command with a line that names it. Every
process reads them for itself; [Several machines](cluster.md) says which of them producers, workers
and trainers must share.

| variable | default | |
|---|---|---|
"""
# What is no field of a settings class.
_OTHERS = """\
| `KAOLABEL_DEBUG` | | set to see where in the code an error comes from |
| `KERAS_BACKEND` | `tensorflow`, else what is installed | `tensorflow`, `jax` or `torch`: what \
Inception V3 runs on |
"""
_CLASS = re.compile(r"^class (\w+)\((?:BaseSettings|SecretSettings)\):", re.MULTILINE)


def render() -> str:
    """The page as it should be."""
    # A backtick sorts behind the underline: URL would follow URL_FILE.
    rows = "".join(sorted(set(_rows()), key=lambda row: row.split("`")[1]))
    return f"{_HEAD}{rows}{_OTHERS}\n## Commands\n{''.join(_commands())}"


def _commands() -> Iterator[str]:
    for page in every(kaolabel.app):
        yield f"\n### {page.name}\n\n```text\n{page.text.rstrip()}\n```\n"


def _rows() -> Iterator[str]:
    for settings in _classes():
        prefix = settings.model_config["env_prefix"]
        for name, field in settings.model_fields.items():
            shown = _shown(field)
            default = f"`{shown}`" if shown else ""
            about = "; ".join(filter(None, (field.description, _allowed(field))))
            yield f"| `{prefix}{name.upper()}` | {default} | {about} |\n"


def _classes() -> Iterator[type[BaseSettings]]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    for path in paths:
        for name in _CLASS.findall(path.read_text(encoding="utf-8")):
            found = getattr(importlib.import_module(_module(path)), name)
            if found.model_fields:
                yield found


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _shown(field: FieldInfo) -> str:
    default: Any = field.default
    if field.default_factory is not None or default is None:
        return ""
    if isinstance(default, BaseModel):
        return default.model_dump_json(exclude_unset=True)
    return f"{default:g}" if isinstance(default, float) else f"{default}"


def _allowed(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(field.annotation))
    words = {"ge": "at least", "gt": "more than", "le": "at most"}
    bounds = (
        (words[key], key, one) for one in field.metadata for key in words if hasattr(one, key)
    )
    return ", ".join(f"{word} {getattr(one, key):,}" for word, key, one in bounds)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
