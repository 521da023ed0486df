"""Settings of the broker."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from db.errors import UsageError
from db.settings import SecretSettings


class BrokerSettings(SecretSettings):
    """Where the messages go; every field has an environment twin with the prefix `KAOLABEL_`."""

    broker_url: SecretStr | None = Field(
        default=None, description="Redis URL; where unset, `kaolabel` starts a Redis of its own"
    )
    broker_url_file: Path | None = Field(
        default=None, description="file that holds the Redis URL, in its stead"
    )
    broker_ca: Path | None = Field(
        default=None, description="PEM file of authorities that vouch for a rediss:// server"
    )
    broker_cert: Path | None = Field(
        default=None, description="PEM file of the certificate to show to a rediss:// server"
    )
    broker_key: Path | None = Field(default=None, description="PEM file of that one's key")
    task_time_limit: int = Field(
        default=300, ge=10, le=86_400, description="seconds after which a job's process is killed"
    )
    restore_interval: int = Field(
        default=5, ge=1, le=3600, description="seconds between looks for messages of dead workers"
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
