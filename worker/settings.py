"""Settings of a worker: decoders, limits, device, cascade."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterable

MEGABYTE = 1024 * 1024

# What fits into a frame to a decoder; what OpenCV counts; what a limit of the system holds.
_MOST_BYTES = 4_000_000_000
_MOST_PIXELS = 10_000_000_000
_MOST_MEMORY = 1 << 46


def join_folders(folders: Iterable[bytes]) -> str:
    """Folders as a setting holds them, whatever bytes their names are made of."""
    return json.dumps([os.fsdecode(folder) for folder in folders])


def _split_folders(value: Any) -> Any:
    """The folders of a setting: a JSON list, else separated as on the PATH."""
    if not isinstance(value, str):
        return value
    try:
        names = json.loads(value) if value.startswith("[") else value.split(os.pathsep)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    folders = tuple(os.fsencode(str(name)) for name in names if name)
    if not all(folder.startswith(b"/") for folder in folders):
        raise ValueError("give absolute folders, with `:` between them")
    return folders


# Of bytes, as names need not be text; None is no list at all.
Folders = Annotated[tuple[bytes, ...] | None, NoDecode, BeforeValidator(_split_folders)]


class WorkerSettings(BaseSettings):
    """How a worker works; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

    archive_roots: Folders = Field(
        default=None, description="folders below which archives may be read; any where unset"
    )
    cascade: str | None = Field(
        default=None, description="cascade file, or the name of one in the OpenCV package"
    )
    decoders: int = Field(
        default_factory=lambda: len(os.sched_getaffinity(0)),
        ge=1,
        le=1024,
        description="decoder processes a worker; one a core by default",
    )
    device: Literal["cpu", "gpu", "auto"] = Field(
        default="auto", description="where Keras computes"
    )
    prepare: Literal["nothing", "decoders", "model"] = Field(
        default="model",
        description="what a worker gets ready before its first job; the model after the decoders",
    )
    max_file_bytes: int = Field(
        default=256 * MEGABYTE, ge=1, le=_MOST_BYTES, description="larger files are not read"
    )
    max_pixels: int = Field(
        default=100_000_000,
        ge=1,
        le=_MOST_PIXELS,
        description="images with more pixels are not decoded",
    )
    decoder_memory: int = Field(
        default=2048 * MEGABYTE,
        ge=64 * MEGABYTE,
        le=_MOST_MEMORY,
        description="bytes one image may take to decode",
    )
    decoder_seconds: float = Field(
        default=30.0, gt=0, le=120, description="seconds one image may take to decode"
    )
