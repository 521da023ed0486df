"""The manifest: everything about a model but its numbers."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from db.errors import ModelError
from worker.vision.embed import EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

# Of the whole artifact, and part of its hash. Raise it when a worker of before could not use a
# model as it is meant; `embedder`, `labels` and `holdout` stay where old commands look for them.
FORMAT = 2

# What Python raises at JSON of the wrong kind, a number without end or a nest without bottom.
_UNREADABLE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
)


class NewerFormatError(ModelError):
    """Raised when an artifact was made by a newer kaolabel, whose models this one does not know."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model is, how it was made and how good it was.

    Attributes:
        embedder: what its embeddings must be.
        labels: the known labels in the order of the head's columns, with the number of faces that
            each was learned from.
        temperature: see `Head`.
        background: see `Head`.
        threshold: see `Head`.
        rejects: see `Head`.
        evidence: the digest of the artifact's `Evidence`.
        holdout: metrics on faces that were held out: `n`, `correct`, `top1`, `per_label` and more.
        training: the settings of the training, for people.
        seed: what all its randomness came from.
        parent: the artifact hash of the model that it replaces, or None; not part of the hash.
        kaolabel: the version of kaolabel that trained it.
        created_at: UTC time in ISO 8601; not part of the hash.
    """

    embedder: EmbedderSpec
    labels: Mapping[str, int]
    temperature: float
    background: float
    threshold: float
    rejects: bool = False
    evidence: str = ""
    holdout: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0
    parent: str | None = None
    kaolabel: str = ""
    created_at: str = ""

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a manifest that may be damaged or hostile.

        Args:
            text: what `to_json` gave.

        Returns:
            The manifest.

        Raises:
            NewerFormatError: the manifest is of a newer format.
            ModelError: the text is no manifest, or that of an older format.
        """
        try:
            manifest = cls._from_values(json.loads(text))
            # JSON can hold what cannot be hashed or stored: NaN, and halves of characters.
            manifest.to_json().encode()
        except _UNREADABLE as error:
            reason = f"{type(error).__name__}: {error}"
            raise ModelError(f"the manifest cannot be read: {reason}") from error
        return manifest

    @classmethod
    def _from_values(cls, values: dict[str, Any]) -> Self:
        _require_format(values["format"])
        return cls(
            embedder=EmbedderSpec.from_json(values["embedder"]),
            labels={str(label): int(count) for label, count in values["labels"]},
            temperature=float(values["temperature"]),
            background=float(values["background"]),
            threshold=float(values["threshold"]),
            rejects=bool(values["rejects"]),
            evidence=str(values["evidence"]),
            holdout=dict(values["holdout"]),
            training=dict(values["training"]),
            seed=int(values["seed"]),
            parent=None if values["parent"] is None else str(values["parent"]),
            kaolabel=str(values["kaolabel"]),
            created_at=str(values["created_at"]),
        )

    def to_json(self) -> str:
        """Write the manifest as JSON.

        Returns:
            One line of sorted keys. The labels are pairs, as sorted keys would lose their order.
        """
        values = {name: getattr(self, name) for name in self.__slots__}
        values |= {"format": FORMAT, "embedder": self.embedder.to_json()}
        values["labels"] = [[label, count] for label, count in self.labels.items()]
        return json.dumps(values, sort_keys=True, ensure_ascii=False, allow_nan=False)

    def canonical(self) -> str:
        """Write what the artifact's hash covers: everything but when and after what it was made.

        Returns:
            JSON as from `to_json`.
        """
        return replace(self, created_at="", parent=None).to_json()


def _require_format(found: Any) -> None:
    if found == FORMAT:
        return
    if isinstance(found, int) and found > FORMAT:
        raise NewerFormatError(f"it has format {found}, and this kaolabel knows {FORMAT}")
    age = "an older" if isinstance(found, int) else "another"
    raise ModelError(f"the manifest has format {found!r}, not {FORMAT}: made by {age} kaolabel")
