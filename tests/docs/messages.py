"""Every message that kaolabel's code can print, as a person would look it up.

`python -m tests.docs.messages` lists those that docs/troubleshooting.md does not explain yet, as
rows to paste.
"""

from __future__ import annotations

import ast
import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "troubleshooting.md"
PACKAGES = ("db", "worker", "producer", "training", "review", "monitor")

# What stands for a part that differs from case to case.
SOMETHING = "…"

# What is put into these, or comes out of them, is printed somewhere else.
_SAID = {"complaint", "missed"}
# Functions, beside errors, whose first argument is printed.
_SPEAKERS = {"_fail", "require_url"}
_LOGGED = {"warning", "error", "exception", "critical"}
# These carry a short code and a detail, which the ledger keeps; nothing prints them as they are.
_REASONED = {"UnreadableImageError", "FileError", "DecoderDiedError"}
# Where people see what pydantic makes of a ValueError.
_CHECKED_BY_PYDANTIC = {"settings.py", "request.py"}
_FORMAT = re.compile(r"%[-+ #0]*\d*(?:\.\d+)?[sdrfg]")
_REASON = re.compile(r"[a-z]+(?:_[a-z]+)*")
_CODE = re.compile(r"(`+)(.+?)\1(?!`)")


@dataclass(frozen=True)
class Message:
    """One message, and where it is made.

    Args:
        text: with `SOMETHING` in place of every part that differs.
        place: file and line.
        error: whether it says that something is wrong; else it is a note on the way.
    """

    text: str
    place: str
    error: bool

    def covers(self, text: str) -> bool:
        """Whether a text is this message, with some of the parts that differ filled in."""
        pattern = ".+".join(re.escape(part) for part in self.text.split(SOMETHING))
        return re.fullmatch(pattern, text) is not None

    @property
    def row(self) -> str:
        """A row of the page's tables, to be completed."""
        fence = "``" if "`" in self.text else "`"
        space = " " if fence == "``" else ""
        return f"| {fence}{space}{self.text}{space}{fence} |  |"


@functools.cache
def every() -> tuple[Message, ...]:
    """All messages, each text once, in the order of the files."""
    modules = [_Module(path) for path in _sources()]
    errors = {"KaolabelError"}
    # More than once, as a class may be known before the one that it stands on.
    for module in modules * 2:
        errors |= module.errors(errors)
    found: dict[str, Message] = {}
    for module in modules:
        for message in module.messages(errors - _REASONED):
            if message.text not in found or message.error:
                found[message.text] = message
    return tuple(found.values())


@functools.cache
def reasons() -> set[str]:
    """The short codes with which files are refused."""
    return {reason for path in _sources() for reason in _Module(path).reasons()}


def explained() -> set[str]:
    """What stands in code in the first column of the page's tables."""
    rows = re.findall(r"^\| (`.+?`) +\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    return {code.strip() for row in rows for _, code in _CODE.findall(row)}


def unexplained() -> list[Message]:
    """The errors that the page does not have, neither as they are nor with parts filled in."""
    messages, page = every(), explained()
    # An entry that is a message word by word speaks of no other one.
    free = page - {message.text for message in messages}
    return [
        message
        for message in messages
        if message.error
        and message.text not in page
        and not any(message.covers(entry) for entry in free)
    ]


def _sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))
    yield ROOT / "kaolabel.py"


class _Module:
    """One file: what it says, with its constants and the texts of its functions put in."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        self._constants = {
            _name(target): node.value
            for node in self._nodes
            if isinstance(node, ast.Assign)
            for target in node.targets
            if _name(target).isupper()
        }
        self._functions = {n.name: n for n in self._nodes if isinstance(n, ast.FunctionDef)}

    def errors(self, known: set[str]) -> set[str]:
        """The names of its classes that stand on one of the known ones."""
        classes = (node for node in self._nodes if isinstance(node, ast.ClassDef))
        return {one.name for one in classes if known & {_name(base) for base in one.bases}}

    def reasons(self) -> Iterator[str]:
        """The short codes that it refuses files with."""
        for node in self._nodes:
            for value in _coded(node):
                if isinstance(value, ast.Constant) and _REASON.fullmatch(str(value.value)):
                    yield str(value.value)

    def messages(self, errors: set[str]) -> Iterator[Message]:
        """What it says; `errors` are the classes whose first argument people get to read."""
        if self._path.name in _CHECKED_BY_PYDANTIC:
            errors = errors | {"ValueError"}
        for node in self._nodes:
            for value, error in self._spoken(node, errors):
                place = f"{self._path.relative_to(ROOT)}:{value.lineno}"
                for text in map(_tidy, self._texts(value)):
                    if re.search(r"[A-Za-z]{2}", text):
                        yield Message(text, place, error)

    def _spoken(self, node: ast.AST, errors: set[str]) -> list[tuple[ast.expr, bool]]:
        """The expressions in `node` that people get to read, and whether they are errors."""
        match node:
            case ast.Assign(targets=targets, value=value) if _SAID & set(map(_name, targets)):
                found = [(value, True)]
            case ast.keyword(arg=name, value=value) if name in _SAID:
                found = [(value, True)]
            case ast.Return(value=ast.expr() as value) if self._path.name == "kaolabel.py":
                found = [(_first(value), True)]
            case ast.FunctionDef(name=name) if name in _SAID:
                found = [(text, True) for text in _returns(node)]
            case ast.Call(func=func, args=[first, *_]):
                found = _called(_owner(func), _name(func), first, errors)
            case _:
                found = []
        return found

    def _texts(self, node: ast.expr, depth: int = 0) -> list[str]:
        """What an expression may come to; `SOMETHING` where only a run can tell."""
        match node:
            case ast.Constant(value=str(text)):
                found = [text]
            case ast.JoinedStr(values=parts):
                found = self._joined(parts, depth)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                found = self._joined([left, right], depth)
            case ast.FormattedValue(value=value, format_spec=None):
                found = self._texts(value, depth)
            case ast.IfExp(body=body, orelse=orelse):
                found = [*self._texts(body, depth), *self._texts(orelse, depth)]
            case ast.Name(id=name) if name in self._constants:
                found = self._constant(self._constants[name])
            case ast.Call(func=func) if _name(func) in self._functions:
                found = self._returned(self._functions[_name(func)], depth)
            case _:
                found = [SOMETHING]
        return found

    def _joined(self, parts: list[ast.expr], depth: int) -> list[str]:
        texts = [""]
        for part in parts:
            texts = [text + more for text in texts for more in self._texts(part, depth)]
        return texts

    def _constant(self, node: ast.expr) -> list[str]:
        plain = isinstance(node, ast.Constant) and isinstance(node.value, str)
        return self._texts(node) if plain or isinstance(node, ast.JoinedStr) else [SOMETHING]

    def _returned(self, function: ast.FunctionDef, depth: int) -> list[str]:
        """What a function of this file may return; one that calls others is followed no further."""
        if depth:
            return [SOMETHING]
        texts = [text for value in _returns(function) for text in self._texts(value, depth + 1)]
        return list(dict.fromkeys(texts)) or [SOMETHING]


def _called(
    owner: str, name: str, first: ast.expr, errors: set[str]
) -> list[tuple[ast.expr, bool]]:
    """The first argument of a call, if people get to read it, and whether it is an error."""
    if name in errors or name in _SPEAKERS or (owner == "logger" and name in _LOGGED):
        return [(first, True)]
    return [(first, False)] if (owner, name) in {("log", "print"), ("typer", "echo")} else []


def _coded(node: ast.AST) -> list[ast.expr | None]:
    """The expressions in `node` that may be the short code of a refusal."""
    match node:
        case ast.Call(func=func, args=[code, *_]) if _name(func) in _REASONED:
            return [code]
        case ast.Call(func=ast.Attribute(value=ast.Name(id="_REASONS")), args=[_, code]):
            return [code]
        case ast.keyword(arg="reason", value=value):
            return [value]
        case ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(code)) as first, _])):
            return [first] if code.startswith("decoder_") else []
        case ast.Assign(targets=[ast.Name(id="_REASONS")], value=ast.Dict(values=values)):
            return [*values]
    return []


def _returns(function: ast.FunctionDef) -> list[ast.expr]:
    found = (node.value for node in ast.walk(function) if isinstance(node, ast.Return))
    return [value for value in found if value is not None]


def _first(node: ast.expr) -> ast.expr:
    return node.elts[0] if isinstance(node, ast.Tuple) else node


def _name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _owner(node: ast.expr) -> str:
    """What a method is called on: `logger`, or `log` for `terminal.log()`."""
    if not isinstance(node, ast.Attribute):
        return ""
    value = node.value
    return _name(value.func) if isinstance(value, ast.Call) else _name(value)


def _tidy(text: str) -> str:
    text = _FORMAT.sub(SOMETHING, text)
    text = re.sub(rf"{SOMETHING}(?:{SOMETHING})+", SOMETHING, text)
    return " ".join(text.split())


if __name__ == "__main__":
    for missing in unexplained():
        print(f"{missing.row}  <!-- {missing.place} -->")  # noqa: T201
