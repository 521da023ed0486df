"""Log lines: one an event, whatever stands in it; nothing hidden in them, no password, all ids."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import UsageError
from db.logs.fields import bind_all, bound, carried, fields
from db.logs.layouts import HumanLayout, JsonLayout
from db.logs.settings import read_log_settings
from db.logs.setup import LineHandler

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = "tiger7secret"  # noqa: S105  # looked for in what is logged

HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}

# Names as an archive may have them, and what moves cursors, ends lines, or turns text around.
hostile = st.one_of(
    st.text(st.characters(codec=None)),
    st.binary(max_size=40).map(os.fsdecode),
    st.lists(
        st.sampled_from(["\x1b[2J", "\x1b]0;", "\n", "\r", "\x85", "\u2028", "\u202e", "\u2066"])
        | st.sampled_from(["\ufeff", "\udcff", "\ud800", "\0", "\x9b", "%s", "{}", '"', "\\", "a"])
    ).map("".join),
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | hostile | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(hostile, inner, max_size=3),
    max_leaves=40,
)


@pytest.fixture(autouse=True)
def nothing_bound() -> Iterator[None]:
    """Each test begins with lines that carry nothing."""
    bind_all()
    yield
    bind_all()


def record(message: str, *arguments: Any, **attributes: Any) -> logging.LogRecord:
    """A record as `logger.warning(message, *arguments)` makes it, with more attributes."""
    made = logging.LogRecord("worker.labelling", 30, "file.py", 1, message, arguments, None)
    made.__dict__.update(attributes)
    return made


def as_json(made: logging.LogRecord) -> dict[str, Any]:
    """The object that is logged for a record."""
    found: dict[str, Any] = json.loads(JsonLayout("host:1").format(made))
    return found


def as_text(made: logging.LogRecord) -> str:
    """The lines that people see of a record."""
    return HumanLayout("host:1").format(made)


def caught(text: str) -> Any:
    """What `exc_info=True` gives for an error of that text, with a cause of the same text."""

    def fail() -> None:
        raise ValueError(text) from OSError(text)

    try:
        fail()
    except ValueError:
        return sys.exc_info()


def is_fit(line: str) -> bool:
    """Whether no character of a line is hidden, or no character at all."""
    return not any(unicodedata.category(char) in HIDDEN for char in line)


@given(text=hostile, value=values, key=hostile)
def test_an_event_is_one_line_of_json_whatever_stands_in_it(
    text: str, value: Any, key: str
) -> None:
    """Names, values and tracebacks of any bytes give one printable line that can be parsed."""
    made = record("%s", text, **fields(**{key: value}, name=text), exc_info=caught(text))
    line = JsonLayout("host:1").format(made)
    assert is_fit(line)
    line.encode()
    entry = json.loads(line)
    assert list(entry)[:5] == ["at", "level", "logger", "event", "process"]
    assert all(is_fit(part) for part in entry["exception"].split("\n"))
    assert is_fit(entry["name"])


@given(text=hostile, value=values, key=hostile)
def test_people_see_no_forged_line(text: str, value: Any, key: str) -> None:
    """Only a record begins a line; what follows of its traceback is indented, all is printable."""
    made = record("%s", text, **fields(**{key: value}, name=text), exc_info=caught(text))
    first, *rest = as_text(made).split("\n")
    assert is_fit(first)
    assert all(is_fit(line) and line.startswith("    ") for line in rest)


def test_names_are_shown_as_the_ledger_shows_them() -> None:
    r"""Bytes that are no UTF-8 appear as `\xff`, whether a name came as bytes or as text."""
    name = b"-an \xff\x1b\xe5\x88\x9d"
    shown = "-an \\xff\\x1b初"
    entry = as_json(record("reads %s", os.fsdecode(name), **fields(path=name)))
    assert (entry["event"], entry["path"]) == (f"reads {shown}", shown)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://:{SECRET}@host:6379/0",
        f"rediss://user:{SECRET}@host",
        f"postgresql+psycopg://us%40er:{SECRET}/@?#@[::1]:5432/db?sslmode=require",
        f"https://user:a@{SECRET}@host/page",
        f"amqp://user:\u202e{SECRET}\x1b@host",
    ],
)
def test_no_password_of_a_url_is_logged(url: str) -> None:
    """Not in the sentence, in values, in tracebacks, nor where the line is cut before its end."""
    quoted = [url, {"broker_url": url}, repr(url), ("x" * 985) + url]
    made = record(f"no answer: {url}", **fields(urls=quoted, long=f"{'y' * 970} {url}"))
    made.exc_info = caught(url)
    for line in (JsonLayout("host:1").format(made), as_text(made)):
        assert SECRET[:5] not in line
        assert "://" in line


def test_a_url_without_a_password_stays() -> None:
    """What people need to find a server is not taken from them."""
    for url in ("redis://user@host:6379/0", "http://127.0.0.1:9750/metrics", "redis+socket:///a:b"):
        assert as_json(record(url))["event"] == url


def test_an_event_has_its_time_level_logger_and_process() -> None:
    """The time is UTC with milliseconds, as ISO 8601 has it."""
    made = record("job %d is done", 7, created=1_800_000_000.25)
    assert as_json(made) == {
        "at": "2027-01-15T08:00:00.250Z",
        "level": "warning",
        "logger": "worker.labelling",
        "event": "job 7 is done",
        "process": "host:1",
    }
    line = "2027-01-15 08:00:00.250Z warning job 7 is done (worker.labelling host:1)"
    assert as_text(made) == line


def test_ids_come_first_and_what_is_unknown_is_left_out() -> None:
    """What a line says of itself counts more than what is bound around it."""
    with bound(job=1, task="a"), bound(run=2, version=None):
        made = record("done", **fields(images=3, job=4, path="a b", at="never"))
        entry = as_json(made)
        line = as_text(made)
    assert list(entry.items())[5:] == [
        ("run", 2),
        ("job", 4),
        ("task", "a"),
        ("images", 3),
        ("path", "a b"),
    ]
    assert entry["at"] != "never"
    assert 'done run=2 job=4 task=a images=3 path="a b"' in line
    assert "job" not in as_json(record("later"))


def test_a_thread_carries_what_is_bound_where_it_was_made() -> None:
    """Only where it was asked to, and for as long as it lives."""
    seen = []

    def look() -> None:
        seen.append(as_json(record("x")).get("job"))

    with bound(job=3):
        threads = [threading.Thread(target=carried(look)), threading.Thread(target=look)]
    for thread in threads:
        thread.start()
        thread.join()
    assert seen == [3, None]


def test_lines_of_celery_carry_task_and_job() -> None:
    """They are known from the message, which tells what its job is, and may tell anything else."""
    data: dict[str, Any] = {"id": "abc", "kwargs": "{'run': 3, 'job': 17, 'images': 512}"}
    entry = as_json(record("received", data=data))
    assert (entry["task"], entry["run"], entry["job"]) == ("abc", 3, 17)
    assert "images" not in entry
    assert as_json(record("x", data={"id": "b", "kwargs": "{'job_id': 5}"}))["job"] == 5
    strange: list[Any] = [
        {},
        [],
        {"id": None},
        {"id": {}, "kwargs": {"job": 9}},
        {"id": 1, "args": 2},
    ]
    for anything in strange:
        as_json(record("x", data=anything))


def test_a_line_is_of_bounded_length() -> None:
    """A thousand arguments, a long name or an endless traceback are cut, and said to be."""
    made = record("%s", "a" * 10**6, **fields(jobs=list(range(10**5)), name="b" * 10**6))
    made.exc_info = caught("c\n" * 10**5)
    entry = as_json(made)
    assert len(json.dumps(entry)) < 20_000
    assert entry["event"].endswith("… (998,000 more)")
    assert entry["jobs"][-2:] == [19, "… (100,000 in all)"]
    assert "more lines)" in entry["exception"]


class Unprintable:
    """A value that cannot be shown."""

    def __str__(self) -> str:
        raise ValueError


def test_a_mistake_in_a_line_costs_neither_the_line_nor_the_work() -> None:
    """Arguments that do not fit, or cannot be shown, are told in their place."""
    assert "%d jobs" in as_json(record("%d jobs", "many"))["event"]
    entry = as_json(record("%s", Unprintable(), **fields(value=Unprintable())))
    assert entry["value"] == "Unprintable (ValueError)"


def test_each_record_is_written_at_once() -> None:
    """The lines of many threads do not mix, however long they are."""
    reading, writing = os.pipe()
    handler = LineHandler(writing)
    handler.setFormatter(JsonLayout("host:1"))
    lines: list[bytes] = []

    def read() -> None:
        with os.fdopen(reading, "rb") as pipe:
            lines.extend(pipe)

    reader = threading.Thread(target=read)
    reader.start()
    work = [
        threading.Thread(target=lambda: [handler.handle(record("x" * 1500)) for _ in range(50)])
        for _ in range(4)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    os.close(writing)
    reader.join()
    assert len(lines) == 200
    assert {len(json.loads(line)["event"]) for line in lines} == {1500}


def test_a_log_that_nobody_reads_stops_nothing() -> None:
    """Where the reader is gone, lines are dropped without a word."""
    reading, writing = os.pipe()
    os.close(reading)
    handler = LineHandler(writing)
    handler.handle(record("x"))
    os.close(writing)
    handler.handle(record("x"))


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("KAOLABEL_LOG_FORMAT", "xml", "'auto', 'human' or 'json'"),
        ("KAOLABEL_LOG_LEVEL", "loud", "'debug', 'info', 'warning' or 'error'"),
    ],
)
def test_a_setting_that_is_none_is_told(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    """In one line that names the setting and its values; capitals are fine."""
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=rf"{name} is set to '{value}'.*{what}"):
        read_log_settings()
    monkeypatch.setenv("KAOLABEL_LOG_FORMAT", "JSON")
    monkeypatch.setenv("KAOLABEL_LOG_LEVEL", "Debug")
    found = read_log_settings()
    assert (found.log_format, found.log_level) == ("json", "debug")
