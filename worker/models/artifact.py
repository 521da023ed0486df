"""The artifact: a model as a folder that can be checked, with its hash for a name.

JSON and safetensors only, so that no model can bring code with it.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from db.errors import ModelError
from worker.models import tensors
from worker.models.evidence import Evidence
from worker.models.manifest import Manifest, NewerFormatError
from worker.vision.classify import Head

MANIFEST_FILE = "manifest.json"
HEAD_FILE = "head.safetensors"
EVIDENCE_FILE = "evidence.safetensors"

_MANIFEST_LIMIT = 4 << 20
_HEAD_LIMIT = 512 << 20
_LONGEST_REASON = 500
_NEXT_STEP = "train again with `kaolabel train`, or copy the folder from where it was trained"
_UPGRADE = "upgrade kaolabel here"


@dataclass(frozen=True, slots=True, eq=False)
class Artifact:
    """A head, what there is to know about it, and what shows that it is true.

    Attributes:
        manifest: everything but numbers.
        head: the classifier; its labels and scalars are those of the manifest.
        evidence: golden faces, and the head that was judged.
    """

    manifest: Manifest
    head: Head
    evidence: Evidence

    def __post_init__(self) -> None:
        expected = self.manifest.embedder.dimension
        if self.head.dimension != expected:
            raise ValueError(f"the head takes {self.head.dimension} features, not {expected}")
        if _promise(self.manifest) != _promise(self.head):
            raise ValueError("the head is not the one that the manifest describes")
        if self.manifest.evidence != self.evidence.digest:
            raise ValueError("the evidence is not the one that the manifest names")
        _require_fit(self.evidence, self.head, size=self.manifest.embedder.size)

    @property
    def judged(self) -> Head:
        """The head that the hold-out was measured with, before it was fitted on everything."""
        weight, bias = self.evidence.judged_weight, self.evidence.judged_bias
        return replace(self.head, weight=weight, bias=bias)

    @property
    def sha256(self) -> str:
        """SHA-256 over the canonical weights and the canonical manifest, in hexadecimal.

        The manifest names the digest of the evidence, so that this covers it too.
        """
        weights = tensors.digest({"weight": self.head.weight, "bias": self.head.bias})
        return hashlib.sha256(f"{weights}\n{self.manifest.canonical()}".encode()).hexdigest()


def stored_path(sha256: str, *, home: Path) -> Path:
    """Name the folder that holds an artifact.

    Args:
        sha256: the artifact's hash.
        home: kaolabel's own folder.

    Returns:
        A path under `home`, whether or not it exists.
    """
    return home / "models" / sha256[:12]


def load_stored(sha256: str, *, home: Path) -> Artifact:
    """Read the artifact of a published version.

    Args:
        sha256: the artifact's hash.
        home: kaolabel's own folder.

    Returns:
        The artifact, which is the very one.

    Raises:
        ModelError: the artifact is missing, damaged, or another one.
    """
    return load(stored_path(sha256, home=home), sha256)


def save(artifact: Artifact, folder: Path) -> None:
    """Write an artifact's folder, which appears whole or not at all.

    A folder that is there already is replaced only if it is not this very artifact.

    Args:
        artifact: what to save.
        folder: where; its parents are made where they are missing.
    """
    if folder.exists() and _is_intact(folder, artifact.sha256):
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".draft-") as scratch:
        draft = Path(scratch, "artifact")
        _write(artifact, draft)
        if folder.exists():
            folder.rename(Path(scratch, "damaged"))
        draft.rename(folder)


def load(folder: Path, expected_sha256: str | None = None) -> Artifact:
    """Read an artifact that may be damaged or hostile.

    Args:
        folder: where it was saved.
        expected_sha256: the hash that it must have; None trusts the folder.

    Returns:
        The artifact.

    Raises:
        ModelError: the artifact is missing, damaged, or another one.
    """
    try:
        artifact = _read(folder)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, ModelError) as error:
        # A hostile file is quoted in it, and may be as long and of as many lines as it likes.
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        step = _UPGRADE if isinstance(error, NewerFormatError) else _NEXT_STEP
        raise ModelError(f"the model in {folder} cannot be used: {reason}; {step}") from error
    if expected_sha256 is not None and artifact.sha256 != expected_sha256:
        raise ModelError(
            f"the model in {folder} is not {expected_sha256[:12]} "
            f"but {artifact.sha256[:12]}; {_NEXT_STEP}"
        )
    return artifact


def _promise(model: Manifest | Head) -> tuple[object, ...]:
    scalars = model.temperature, model.background, model.threshold
    return tuple(model.labels), scalars, model.rejects


def _require_fit(evidence: Evidence, head: Head, *, size: int) -> None:
    """Raise ValueError for evidence of another head or embedder."""
    expected = (size, len(head.labels), head.weight.shape, head.bias.shape)
    found = (
        evidence.golden.shape[1],
        evidence.confidences.shape[1],
        evidence.judged_weight.shape,
        evidence.judged_bias.shape,
    )
    if found != expected:
        raise ValueError(f"evidence of shapes {found} does not fit a head of shapes {expected}")


def _is_intact(folder: Path, sha256: str) -> bool:
    try:
        load(folder, sha256)
    except ModelError:
        return False
    return True


def _write(artifact: Artifact, folder: Path) -> None:
    folder.mkdir()
    weights = {"weight": artifact.head.weight, "bias": artifact.head.bias}
    tensors.save(weights, folder / HEAD_FILE)
    artifact.evidence.save(folder / EVIDENCE_FILE)
    text = artifact.manifest.to_json()
    (folder / MANIFEST_FILE).write_text(text + "\n", encoding="utf-8")


def _read(folder: Path) -> Artifact:
    path = folder / MANIFEST_FILE
    if path.stat().st_size > _MANIFEST_LIMIT:
        raise ModelError(f"{MANIFEST_FILE} is larger than the {_MANIFEST_LIMIT} bytes it may have")
    manifest = Manifest.from_json(path.read_text(encoding="utf-8"))
    numbers = tensors.load(folder / HEAD_FILE, limit=_HEAD_LIMIT)
    head = Head(
        tuple(manifest.labels),
        numbers["weight"],
        numbers["bias"],
        temperature=manifest.temperature,
        background=manifest.background,
        threshold=manifest.threshold,
        rejects=manifest.rejects,
    )
    return Artifact(manifest, head, Evidence.load(folder / EVIDENCE_FILE))
