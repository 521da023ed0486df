"""Settings of the log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.errors import UsageError


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


class LogSettings(BaseSettings):
    """How services log; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

    log_format: Annotated[Literal["auto", "human", "json"], BeforeValidator(_lower)] = Field(
        default="auto", description="of the log; auto is human on a terminal, else json"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_lower)] = (
        Field(default="info", description="what is below it is not logged")
    )


def read_log_settings() -> LogSettings:
    """The settings that the environment describes.

    Raises:
        UsageError: one of them is none.
    """
    try:
        return LogSettings()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"KAOLABEL_{str(first['loc'][0]).upper()}"
        raise UsageError(f"{name} is set to {first['input']!r:.100}: {first['msg']}") from error
