"""Settings of any text: each is taken, or one line says what is wrong with it, and no secret."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kaolabel
from db.settings import DatabaseSettings
from training.settings import TrainingSettings
from worker.broker.settings import BrokerSettings
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic_settings import BaseSettings

USAGE = 2
# What a wrong setting, an address without a server or a folder that cannot be made ends with.
EXPECTED = {USAGE, 3}
SECRET = "tiger7secret"  # noqa: S105  # looked for in what is said

# What an environment can hold: any bytes but NUL.
texts = st.one_of(
    st.binary(max_size=40).map(lambda some: os.fsdecode(some.replace(b"\0", b"0"))),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(["", " ", "9" * 5000, "1e999", "nan", "٣", "0x10", "true", "[" * 5000]),
    st.sampled_from(["{}", "[]", "null", "{", '{"folder": 3}', '{"size": 1e999}', '["/a", 3]']),
)
# URLs around a password, as people mistype them.
pieces = st.text(st.sampled_from("redis:/@[]%?#.,5432 \n\udcff"), max_size=12)
schemes = st.sampled_from(
    ["redis://", "redis:/", "redis", "http://", "postgresql://", "postgres:/", "mysql://", ""]
)
hosts = st.sampled_from(["@127.0.0.1:1", "@[::1", "@127.0.0.1:port", "@a..b/0", "@\udcff", "@", ""])
urls = st.builds(
    lambda scheme, user, host, rest: f"{scheme}{user}:{SECRET}{host}{rest}",
    scheme=schemes,
    user=pieces,
    host=hosts,
    rest=pieces,
).filter(lambda url: not url.startswith("sqlite"))
secret_urls = st.sampled_from(["KAOLABEL_BROKER_URL", "KAOLABEL_DATABASE_URL"])


def environments(
    cls: type[BaseSettings], *, without: frozenset[str]
) -> st.SearchStrategy[dict[str, str]]:
    """Environments in which some fields of a settings class have any text."""
    fields = sorted(set(cls.model_fields) - without)
    names = st.sampled_from([f"KAOLABEL_{field.upper()}" for field in fields])
    return st.dictionaries(names, texts, min_size=1, max_size=3)


@contextlib.contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """These variables for as long as the block takes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in values.items():
            patch.setenv(name, value)
        yield


def said(values: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """Run the command in this process, in that environment; its exit code and its words."""
    out, err = io.StringIO(), io.StringIO()
    with (
        environment(values),
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.setattr(sys, "argv", ["kaolabel", *arguments])
        with pytest.raises(SystemExit) as ended:
            kaolabel.main()
    assert out.getvalue() == ""
    return int(ended.value.code or 0), err.getvalue()


def require_one_line(code: int, text: str) -> None:
    """The command ended as it does for what people get wrong, and not by a mistake of ours."""
    assert code in EXPECTED, text
    assert text.startswith("kaolabel: ")
    assert text.count("\n") == 1
    assert "mistake of ours" not in text


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a setting makes, it makes in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)


@settings(max_examples=80)
@given(values=environments(WorkerSettings, without=frozenset()))
def test_any_settings_of_a_worker_are_taken_or_refused(values: dict[str, str]) -> None:
    """A worker that has no broker says so, or which of its settings is wrong."""
    require_one_line(*said(values, "worker"))


@settings(max_examples=80)
@given(values=environments(BrokerSettings, without=frozenset({"broker_url"})))
def test_any_settings_of_a_broker_are_taken_or_refused(values: dict[str, str]) -> None:
    """The same holds for time limits and intervals."""
    require_one_line(*said(values, "worker"))


@settings(max_examples=80)
@given(values=environments(TrainingSettings, without=frozenset()))
def test_any_settings_of_a_training_are_taken_or_refused(values: dict[str, str]) -> None:
    """Numbers, schedules and requests in JSON, for a clock whose broker does not answer."""
    values = {"KAOLABEL_BROKER_URL": "redis://127.0.0.1:1/0"} | values
    require_one_line(*said(values, "beat"))


@settings(max_examples=80)
@given(values=environments(DatabaseSettings, without=frozenset({"database_url"})))
def test_any_settings_of_a_database_are_taken_or_refused(values: dict[str, str]) -> None:
    """Any name of a home, and any patience, with a database that does not answer."""
    home = values.get("KAOLABEL_HOME")
    if home is not None:
        values = values | {"KAOLABEL_HOME": home.replace("/", "|").replace("..", "__")}
    values = {"KAOLABEL_DATABASE_URL": "postgresql://127.0.0.1:1/x"} | values
    require_one_line(*said(values, "db", "current"))


@settings(max_examples=80)
@given(name=secret_urls, url=urls)
def test_no_password_is_said(name: str, url: str) -> None:
    """However a URL is mistyped around its password, the line does not have it."""
    values = {"KAOLABEL_DATABASE_PATIENCE": "0", name: url}
    command = ("worker",) if name == "KAOLABEL_BROKER_URL" else ("db", "current")
    code, text = said(values, *command)
    require_one_line(code, text)
    assert SECRET not in text


@pytest.mark.parametrize(
    "name", ["MAX_PIXELS", "DECODER_MEMORY", "MAX_FILE_BYTES", "TASK_TIME_LIMIT", "DECODERS"]
)
def test_a_number_that_nothing_can_count_to_is_refused(name: str) -> None:
    """The line names the setting, where a decoder would only die of it."""
    code, text = said({f"KAOLABEL_{name}": "9" * 30}, "worker")
    require_one_line(code, text)
    assert f"KAOLABEL_{name} is set to '999" in text
