"""Settings of a worker: decoders, limits, device, cascade."""

from __future__ import annotations

import os
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MEGABYTE = 1024 * 1024


class WorkerSettings(BaseSettings):
    """How a worker works; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

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
        default="auto", description="where TensorFlow computes"
    )
    max_file_bytes: int = Field(
        default=256 * MEGABYTE, ge=1, description="larger files are not read"
    )
    max_pixels: int = Field(
        default=100_000_000, ge=1, description="images with more pixels are not decoded"
    )
    decoder_memory: int = Field(
        default=2048 * MEGABYTE, ge=64 * MEGABYTE, description="bytes one image may take to decode"
    )
    decoder_seconds: float = Field(
        default=30.0, gt=0, le=120, description="seconds one image may take to decode"
    )
