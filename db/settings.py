"""Settings of the database and of the folder in which kaolabel keeps its state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL

from db.errors import UsageError

_FILE = "_file"


class SecretSettings(BaseSettings):
    """Settings that hold secrets: each can come from a file, and none stands in an error."""

    model_config = SettingsConfigDict(
        env_prefix="KAOLABEL_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Fill each field `x` from the file that its twin `x_file` names."""
        named = {name: path for name, path in values.items() if path and name.endswith(_FILE)}
        return values | {
            name.removesuffix(_FILE): _content(name, path, values) for name, path in named.items()
        }


def _content(name: str, path: str, values: dict[str, Any]) -> str:
    setting = f"KAOLABEL_{name.upper()}"
    if values.get(name.removesuffix(_FILE)) is not None:
        raise UsageError(f"{setting} and {setting.removesuffix('_FILE')} are both set: unset one")
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise UsageError(f"{setting} {path} cannot be read: {reason}") from error


class DatabaseSettings(SecretSettings):
    """Where state lives; every field has an environment twin with the prefix `KAOLABEL_`."""

    home: Path = Field(default=Path(".kaolabel"), description="folder for all state")
    database_url: SecretStr | None = Field(
        default=None, description="SQLAlchemy URL; SQLite in the home folder where unset"
    )
    database_url_file: Path | None = Field(
        default=None, description="file that holds the database's URL, in its stead"
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
