"""Settings of training."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from db.errors import UsageError
from training.request import TrainingRequest


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return TrainingRequest.of_json(value)
    except UsageError as error:
        raise ValueError(str(error)) from error


# Parsed here, as pydantic-settings would only say that the JSON is wrong, and not what of it.
RequestInJson = Annotated[TrainingRequest, NoDecode, BeforeValidator(_parsed)]


class TrainingSettings(BaseSettings):
    """How models are trained; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

    backbone: str = Field(
        default="drawn",
        description="`drawn`, `imagenet`, `seeded`, or the path of a weights file",
    )
    seed: int = Field(default=0, ge=0, description="same data, same seed, same model")
    least_usable: float = Field(
        default=0.5, ge=0, le=1, description="share of a folder's images that must show a face"
    )
    train_schedule: str | None = Field(
        default=None, description="when to train by itself, as cron says it: `0 3 * * *`"
    )
    train_after: int | None = Field(
        default=None, ge=1, description="new annotations after which to train by itself"
    )
    train_request: RequestInJson = Field(
        default=TrainingRequest(from_annotations=True),
        description="what to train by itself, as JSON: the options of the task `kaolabel.train`",
    )
