"""An environment for Ray Data that shares kaolabel's libraries and adds its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from importlib import metadata
from pathlib import Path

REQUIREMENT = "ray[data]==2.60.*"


def interpreter(cache: Path) -> Path:
    """The environment's interpreter; the environment is made where it is missing.

    Args:
        cache: folder for what is made once.

    Raises:
        SystemExit: Ray cannot be installed.
    """
    folder = cache / "ray"
    if not folder.exists():
        print(f"installing {REQUIREMENT} into {folder}", file=sys.stderr)
        _make(folder)
    return folder / "bin" / "python"


def version(cache: Path) -> str | None:
    """The exact version of Ray in the environment, if it is there."""
    found = metadata.distributions(name="ray", path=[str(_packages(cache / "ray"))])
    return next((ray.version for ray in found), None)


def _make(folder: Path) -> None:
    # Scripts in it name its place, so it is not moved but removed when it fails.
    venv.create(folder, with_pip=True)
    try:
        _share(folder)
        _install(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise


def _install(folder: Path) -> None:
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", REQUIREMENT]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        raise SystemExit(
            f"{REQUIREMENT} cannot be installed; leave out b and b2 with --only:\n"
            + done.stderr.decode(errors="replace")
        )


def _share(folder: Path) -> None:
    """Let the environment see kaolabel and the libraries beside it, behind its own."""
    shared = (sysconfig.get_path("purelib"), str(Path(__file__).parents[2]))
    target = _packages(folder) / "kaolabel.pth"
    target.write_text("\n".join(shared) + "\n", encoding="utf-8")


def _packages(folder: Path) -> Path:
    interpreter = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return folder / "lib" / interpreter / "site-packages"
