"""Settings of the database and of the folder in which kaolabel keeps its state."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


class DatabaseSettings(BaseSettings):
    """Where state lives; every field has an environment twin with the prefix `KAOLABEL_`."""

    model_config = SettingsConfigDict(env_prefix="KAOLABEL_", frozen=True, extra="ignore")

    home: Path = Field(default=Path(".kaolabel"), description="folder for all state")
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; SQLite in the home folder where unset"
    )
    database_patience: float = Field(
        default=120.0, ge=0, description="seconds to ride out a database that does not answer"
    )

    @property
    def url(self) -> str:
        """The database's URL, with its password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        path = str(self.home.absolute() / "kaolabel.db")
        return URL.create("sqlite", database=path).render_as_string()
