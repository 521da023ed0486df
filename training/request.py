"""What may be asked of a training; the command and the task check it in the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from db.errors import UsageError
from db.store import trainings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from db.engine import Database
    from db.records import TrainingRecord

# How much is quoted of what was asked for, in characters.
_LONGEST_QUOTE = 100


class TrainingRequest(BaseModel):
    """All options of a training; JSON in, JSON out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str | None = Field(default=None, description="holds a folder of images for each label")
    crops: bool = Field(default=False, description="the folder's images are faces already")
    from_annotations: bool = Field(default=False, description="learn from what people said")
    fine_tune: bool = Field(default=False, description="train Inception V3 itself")
    backbone: str | None = Field(
        default=None, description="drawn, imagenet, seeded, or a weights file"
    )
    taps: str | None = Field(default=None, description="layers to embed with: mixed3+mixed5")
    size: int | None = Field(default=None, ge=75, le=512, description="input size in pixels")
    epochs: int | None = Field(default=None, ge=1, le=1000, description="of a fine-tuning")
    hold_out: float = Field(default=0.2, ge=0, le=0.5, description="share held out to judge by")
    threshold: float | None = Field(default=None, ge=0, le=1, description="of unknown faces")
    margin: float = Field(default=0.02, ge=0, le=1, description="the gate's, a share of faces")
    max_change: float = Field(default=0.2, ge=0, le=1, description="of labels in the archive")
    force: bool = Field(default=False, description="activate whatever the gate says")

    @field_validator("folder", "backbone", "taps")
    @classmethod
    def _is_text(cls, value: str | None) -> str | None:
        try:
            (value or "").encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                "it is no UTF-8 text; rename that file, or give a link to it"
            ) from error
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.folder is None and not self.from_annotations:
            raise ValueError("give a folder of labelled images, or from_annotations, or both")
        if self.crops and self.folder is None:
            raise ValueError("crops speaks of a folder's images, and there is no folder")
        if self.epochs is not None and not self.fine_tune:
            raise ValueError("epochs belongs to fine_tune")
        if self.taps is not None:
            self._check_taps(self.taps)
        return self

    def _check_taps(self, taps: str) -> None:
        from worker.vision.embed import parse_taps

        try:
            chosen = parse_taps(taps)
        except UsageError as error:
            raise ValueError(str(error)) from error
        if self.fine_tune and len(chosen) != 1:
            raise ValueError("a fine-tuning has one tap, such as mixed7")

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        """Check options by name.

        Args:
            values: the options that are not left at their defaults.

        Returns:
            The request.

        Raises:
            UsageError: one of them is wrong; names the first.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise UsageError(_one_line(error)) from error

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Check options in JSON.

        Args:
            text: an object, as `of` takes it.

        Returns:
            The request.

        Raises:
            UsageError: the text is no JSON, or one of the options is wrong; names the first.
        """
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise UsageError(_one_line(error)) from error

    @property
    def sources(self) -> str:
        """What is learned from, for people."""
        folder = [] if self.folder is None else [self.folder]
        return " and ".join(folder + ["annotations"] * self.from_annotations)


def note(database: Database, request: TrainingRequest, *, trigger: str) -> TrainingRecord:
    """Note in the ledger that a training is wanted; it waits until somebody begins it.

    Args:
        database: the ledger.
        request: what is wanted.
        trigger: who or what wants it: `command`, `task`, `schedule` or `annotations`.
    """
    text = request.model_dump_json()
    made: list[int] = []

    def work(connection: Connection) -> TrainingRecord:
        # A commit that was not answered may have been done: there shall be one training.
        found = trainings.find(connection, made)
        if found is None:
            found = trainings.request(connection, request=text, trigger=trigger)
            made.append(found.id)
        return found

    return database.commit(work)


def _one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        known = ", ".join(TrainingRequest.model_fields)
        unknown = repr(name)[:_LONGEST_QUOTE]
        return f"a training has no option {unknown}; its options are {known}"
    message = first["msg"].removeprefix("Value error, ")
    given = repr(first["input"])[:_LONGEST_QUOTE]
    return f"{name}: {message} (given {given})" if name else message
