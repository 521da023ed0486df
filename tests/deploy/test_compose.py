"""The Compose files: valid, closed to others, and in step with the commands that they run."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from pydantic_settings import BaseSettings

from tests.deploy.compose import FILE, OVERRIDES, REQUIRED, ROOT, VARIABLE, ours, parse, read
from tests.deploy.compose import services as all_services
from tests.tls import ACL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# From https://github.com/compose-spec/compose-spec, Apache-2.0, as check-jsonschema 0.39 brings it.
SCHEMA = ROOT / "tests" / "fixtures" / "compose-spec.json"
SECRETS = ROOT / "deploy" / "secrets.sh"

LOOPBACK = "127.0.0.1:"
LONG_RUNNING = set(all_services()) - {"migrate", "kaolabel"}
SERVERS = {"redis", "postgres"}
# Those that take images in hand, which they must be given time to put down.
AT_WORK = {"worker", "worker-gpu", "trainer", "kaolabel"}


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that deploy/secrets.sh has made."""
    folder = tmp_path_factory.mktemp("deploy") / "secrets"
    subprocess.run([SECRETS, folder], check=True, capture_output=True)
    return folder


@pytest.mark.parametrize("path", [FILE, *OVERRIDES], ids=lambda path: path.name)
def test_the_files_are_valid(path: Path) -> None:
    """Every Compose file follows the schema of the Compose specification."""
    schema = json.loads(SCHEMA.read_text())
    jsonschema.validators.validator_for(schema)(schema).validate(parse(path))


@pytest.mark.parametrize("path", [FILE, *OVERRIDES], ids=lambda path: path.name)
def test_every_variable_has_a_value_or_a_clear_error(path: Path) -> None:
    """A variable has a default, or Compose stops and says what to set it to."""
    found = [match for match in VARIABLE.finditer(path.read_text()) if not match["escaped"]]
    assert found
    for match in found:
        assert match["kind"] == (":?" if match["name"] in REQUIRED else ":-"), match[0]
        assert match["rest"] or match["kind"] == ":-"
        assert match["name"].startswith("KAOLABEL_")


def test_compose_itself_takes_the_files(secrets: Path) -> None:
    """Docker Compose, where there is one, merges each override with the file and finds no fault."""
    command = _compose()
    variables = {**os.environ, **REQUIRED, "KAOLABEL_SECRETS": str(secrets)}
    for override in (None, *OVERRIDES):
        files = [FILE] if override is None else [FILE, override]
        named = [part for file in files for part in ("--file", str(file))]
        done = subprocess.run(
            [*command, *named, "--profile", "*", "config", "--quiet"],
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")


def _compose() -> list[str]:
    for command in (["docker-compose"], ["docker", "compose"]):
        if shutil.which(command[0]):
            done = subprocess.run([*command, "version"], capture_output=True, check=False)
            if b"v1." not in done.stdout and done.returncode == 0:
                return command
    pytest.skip("needs Docker Compose 2")


@pytest.mark.parametrize("name", ours())
def test_every_command_exists(name: str) -> None:
    """What our services run is a command of kaolabel, with options that it has."""
    arguments = ours()[name].get("command", [])
    done = subprocess.run(
        [sys.executable, "-m", "kaolabel", *arguments, "--help"], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f"Usage: kaolabel {' '.join(arguments[:1])}".encode() in done.stdout


def test_every_setting_exists() -> None:
    """What our services are told is a setting of kaolabel."""
    known = {f"KAOLABEL_{field}".upper() for one in _settings() for field in one.model_fields}
    for name, service in ours().items():
        told = {key for key in service["environment"] if key.startswith("KAOLABEL_")}
        assert told <= known, name


def _settings() -> Iterator[type[BaseSettings]]:
    # The commands load no settings before they run.
    for package in ("db", "worker", "training", "producer", "review", "monitor"):
        for file in (ROOT / package).rglob("*settings.py"):
            importlib.import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
    classes = [BaseSettings]
    for one in classes:
        classes += one.__subclasses__()
        yield one


def test_everything_is_confined() -> None:
    """No service may write to its image, has a capability, can gain one, or takes all there is."""
    for name, service in all_services().items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service, name
        assert {"memory", "pids", "cpus"} <= service["deploy"]["resources"]["limits"].keys(), name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "5"}, name


def test_nobody_is_root() -> None:
    """Every service runs as a user that is not root."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["${UID}"]
    assert re.findall(r"^ARG UID=(.*)$", dockerfile, re.MULTILINE) == ["1000"]
    for name, service in all_services().items():
        if name in ours():
            assert "user" not in service, name
            assert service["build"]["args"]["UID"] != "0", name
        else:
            assert service["user"] not in {"root", "0"}, name


def test_ports_are_for_this_machine_alone() -> None:
    """What is published is published on loopback, and the servers are not at all."""
    for name, service in all_services().items():
        ports = service.get("ports", [])
        assert all(port.startswith(LOOPBACK) for port in ports), name
        # Nothing can be published from the inner network.
        assert not ports or "outside" in service["networks"], name
        assert name not in SERVERS or service["networks"] == ["inside"]
    assert read()["networks"]["inside"] == {"internal": True}
    for override in OVERRIDES:
        for service in read(override)["services"].values():
            assert all(port.startswith("10.0.0.1:") for port in service.get("ports", []))


def test_a_worker_reaches_the_servers_alone() -> None:
    """What takes images in hand by the thousand has no way out."""
    for name in ("worker", "worker-gpu", "beat", "migrate"):
        assert all_services()[name]["networks"] == ["inside"]


def test_the_archive_is_only_read() -> None:
    """Whoever sees the archive cannot write to it, and a mistyped one is not made."""
    seen = 0
    for name, service in ours().items():
        for volume in service.get("volumes", []):
            if volume["target"] == "/archive":
                seen += 1
                assert volume["read_only"] is True, name
                assert volume["bind"] == {"create_host_path": False}, name
    assert seen == 4


def test_everything_is_started_again_and_looked_after() -> None:
    """What should run always is started again, has a health check, and time to end."""
    for name, service in all_services().items():
        assert service["restart"] == ("unless-stopped" if name in LONG_RUNNING else _once(name))
        if name in LONG_RUNNING:
            assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
            assert {"interval", "timeout", "retries"} <= service["healthcheck"].keys()
        if name in AT_WORK:
            assert service["stop_grace_period"] == "75s"


def _once(name: str) -> str:
    return {"migrate": "on-failure:5", "kaolabel": "no"}[name]


def test_all_wait_for_the_migration() -> None:
    """No service that uses the database runs before that is as this version needs it."""
    for name, service in ours().items():
        if name in LONG_RUNNING and "database_url" in service["secrets"]:
            waits = service["depends_on"]["migrate"]
            assert waits == {"condition": "service_completed_successfully"}, name


def test_secrets_come_from_files(secrets: Path) -> None:
    """No password stands in a Compose file; each secret that is used is handed over, and made."""
    known = read()["secrets"]
    for name, one in known.items():
        assert one == {"file": f"./secrets/{name}"}
        assert (secrets / name).is_file()
    assert {file.name for file in secrets.iterdir()} == known.keys()
    for name, service in all_services().items():
        text = json.dumps(service)
        assert set(re.findall(r"/run/secrets/(\w+)", text)) <= set(service.get("secrets", [])), name
        for key, value in _environment(service).items():
            assert "PASSWORD" not in key or str(value).startswith("/run/secrets/"), name
            assert "@" not in str(value), name


def _environment(service: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = service.get("environment", {})
    return found


def test_the_secrets_are_made_once(secrets: Path) -> None:
    """The folder is this user's alone, holds what fits together, and is never made anew."""
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    again = subprocess.run([SECRETS, secrets], capture_output=True, text=True, check=False)
    assert again.returncode == 1
    assert "stays as it is" in again.stderr
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before
    redis, postgres = before["redis_password"], before["postgres_password"]
    assert before["broker_url"] == f"redis://kaolabel:{redis}@redis:6379/0"
    assert before["database_url"] == f"postgresql://kaolabel:{postgres}@postgres/kaolabel"
    words = {before[name] for name in before if name.endswith("_password")}
    assert len(words) == 4
    assert all(re.fullmatch("[0-9a-f]{48}", word) for word in words)
    # Redis is told no more of the password than it needs, and lets nobody in without.
    digest = hashlib.sha256(redis.encode()).hexdigest()
    assert before["redis_users"] == f"user default off\nuser kaolabel on #{digest} {ACL}\n"
