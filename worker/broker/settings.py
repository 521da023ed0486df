"""Settings of the broker."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from db.errors import UsageError


class BrokerSettings(BaseSettings):
    """Where the messages go; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

    broker_url: SecretStr | None = Field(
        default=None, description="Redis URL; where unset, `kaolabel` starts a Redis of its own"
    )
    task_time_limit: int = Field(
        default=300, ge=10, description="seconds after which a job's process is killed"
    )
    restore_interval: int = Field(
        default=5, ge=1, description="seconds between looks for messages of dead workers"
    )

    def require_url(self, otherwise: str) -> str:
        """The broker's URL, with its password.

        Raises:
            UsageError: none is set; says `otherwise`.
        """
        if self.broker_url is None:
            raise UsageError(otherwise)
        return self.broker_url.get_secret_value()

    @property
    def embedded(self) -> bool:
        """Whether kaolabel runs a Redis and workers of its own."""
        return self.broker_url is None


def mask(url: str) -> str:
    """The URL without its password, fit for a log."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}{port}"))
