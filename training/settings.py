"""Settings of training."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class TrainingSettings(BaseSettings):
    """How models are trained; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

    backbone: str = Field(
        default="imagenet", description="`imagenet`, `seeded`, or the path of a weights file"
    )
    seed: int = Field(default=0, ge=0, description="same data, same seed, same model")
