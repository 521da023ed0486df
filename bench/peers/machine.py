"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path

_LIBRARIES = (
    "celery",
    "keras",
    "numpy",
    "opencv-python-headless",
    "pillow",
    "sqlalchemy",
    "tensorflow",
    "tensorflow-cpu",
)


def describe() -> dict[str, object]:
    """Processor, cores, memory, versions, the date, and how busy the machine was before."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
        "libraries": {name: version for name in _LIBRARIES if (version := _version(name))},
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
