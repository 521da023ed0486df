"""Settings of Flower."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr

from db.errors import UsageError
from db.settings import SecretSettings

# Flower takes a comma for the end of a password, and compares no other letters.
_PLAIN = "write one or more ASCII characters, without spaces and commas"


def _of_a_name(name: str) -> str:
    if not _is_plain(name) or ":" in name:
        raise UsageError(f"KAOLABEL_FLOWER_USER: {_PLAIN}, and without colons")
    return name


def _of_a_password(password: SecretStr) -> SecretStr:
    # No ValueError, which would be told with the password.
    if not _is_plain(password.get_secret_value()):
        raise UsageError(f"KAOLABEL_FLOWER_PASSWORD: {_PLAIN}")
    return password


def _is_plain(text: str) -> bool:
    return text != "" and text.isascii() and text.isprintable() and not set(" ,") & set(text)


class FlowerSettings(SecretSettings):
    """Who may use Flower; every field has an environment twin with the prefix `KAOLABEL_`."""

    flower_user: Annotated[str, AfterValidator(_of_a_name)] = Field(
        default="kaolabel", description="the name to log in with"
    )
    flower_password: Annotated[SecretStr, AfterValidator(_of_a_password)] | None = Field(
        default=None, description="the password; a new one for each start where unset"
    )
    flower_password_file: Path | None = Field(
        default=None, description="file that holds the password, in its stead"
    )
