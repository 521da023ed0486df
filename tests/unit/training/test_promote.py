"""The gate: when a trained model takes the place of the active one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.errors import ModelError
from db.records import VersionRecord
from tests.colours import BLUE, GREEN, RED, ColourEmbedder, colour_crop, colour_head
from tests.ledger import Ledger, content, face, job_result
from tests.models import evidence_of, publish_live, small_artifact
from training import promote as gate
from training.contest import Contender, Contest, compete
from training.example import Example
from training.verdict import Count, Limits, Verdict
from worker.models import artifact as artifacts
from worker.models import backbone, registry
from worker.models.diff import Diff
from worker.models.live import Model
from worker.vision.crop import face_input
from worker.vision.embed import Embedder, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from db.engine import Database
    from worker.models.artifact import Artifact
    from worker.vision.classify import Head

NAMES = {"Aqua": RED, "Megumin": GREEN, "Darkness": BLUE}
SWAPPED = {"Aqua": GREEN, "Megumin": RED, "Darkness": BLUE}
VERSION = VersionRecord(2, "a" * 64, "embedder", "{}", None, 0.0, active=False)
# As the taps of the artifacts here have it.
DIMENSION = 288


def ignore(stage: str, done: int, total: int, detail: str = "") -> None:
    """Show nothing."""


def examples_of(labels: Mapping[str, int], *, each: int = 2, start: int = 0) -> list[Example]:
    """Faces of each label, no two alike."""
    return [
        Example(colour_crop(channel, 1 - (start + number) / 50), label, f"{label} {number}")
        for label, channel in labels.items()
        for number in range(each)
    ]


def keys(examples: Iterable[Example]) -> Any:
    """Sorted keys, as evidence holds them."""
    return np.array(sorted(example.key for example in examples), np.uint64)


def colour_artifact(
    labels: Mapping[str, int], *, trained: Iterable[Example] = (), judged: Head | None = None
) -> Artifact:
    """An artifact whose published head knows the colours, and so does its judged one or not."""
    head = colour_head(labels, dimension=DIMENSION)
    judged = judged or head
    evidence = replace(
        evidence_of(head),
        trained=keys(trained),
        judged_weight=judged.weight,
        judged_bias=judged.bias,
    )
    return small_artifact(head, evidence=evidence)


def contender(artifact: Artifact) -> Contender:
    """A contender that tells colours without a network."""
    embedder: Any = ColourEmbedder(dimension=DIMENSION)
    return Contender(Model(1, embedder, artifact.head), artifact)


def counts(new: Artifact, old: Artifact, examples: list[Example]) -> tuple[Count, Count, int, int]:
    """What came of a contest."""
    found = compete(contender(new), contender(old), examples, cache=None, progress=ignore)
    return found.candidate, found.active, found.new_labels, found.learned


def test_both_are_asked_for_the_same_faces() -> None:
    """Each gets what its own head says right, and examples without a label take no part."""
    examples = [*examples_of(NAMES), Example(colour_crop(RED), None, "junk")]
    new, old = colour_artifact(NAMES), colour_artifact(SWAPPED)
    assert counts(new, old, examples) == (Count(6, 6), Count(2, 6), 0, 0)


def test_the_judged_heads_compete() -> None:
    """A published head that was fitted on the hold-out again does not count."""
    confused = replace(colour_head(SWAPPED, dimension=DIMENSION), labels=tuple(NAMES))
    fitted_again = colour_artifact(NAMES, judged=confused)
    found = counts(fitted_again, colour_artifact(NAMES), examples_of(NAMES))
    assert found[:2] == (Count(2, 6), Count(6, 6))


def test_faces_that_one_has_learned_from_are_left_out() -> None:
    """A face that either judged head was fitted on says nothing, however it is answered."""
    examples = examples_of(NAMES)
    old = colour_artifact(SWAPPED, trained=examples[:2])
    new = colour_artifact(NAMES, trained=examples[2:3])
    assert counts(new, old, examples) == (Count(3, 3), Count(2, 3), 0, 3)


def test_labels_that_only_the_candidate_knows_are_left_out() -> None:
    """They would favour it; a label that only the active model knows counts against it."""
    old, new = colour_artifact({"Aqua": RED, "Megumin": GREEN}), colour_artifact({"Aqua": RED})
    examples = examples_of(NAMES)
    assert counts(new, old, examples) == (Count(2, 4), Count(4, 4), 2, 0)


@pytest.mark.parametrize(
    ("faces", "margin", "allowed"), [(18, 0.02, 0), (50, 0.02, 1), (100, 0.29, 29), (99, 0.02, 1)]
)
def test_the_margin_is_rounded_down_to_whole_faces(faces: int, margin: float, allowed: int) -> None:
    """Few faces forgive nothing, and floating point takes no face away."""
    assert Limits(margin=margin).allowed(faces) == allowed


@pytest.mark.parametrize(
    "wrong", [{"margin": -0.1}, {"margin": float("nan")}, {"max_change": 1.1}, {"sample": 0}]
)
def test_limits_are_shares(wrong: dict[str, Any]) -> None:
    """A limit that means nothing is refused."""
    with pytest.raises(ValueError, match=r"share|sample"):
        Limits(**wrong)


def test_a_verdict_is_one_line() -> None:
    """It says what was decided and every reason, and can be stored as JSON."""
    refused = Verdict(False, False, ("17/18 against 18/18", "few change"), Count(17, 18))
    assert str(refused) == "refused: 17/18 against 18/18; few change"
    forced = replace(refused, forced=True)
    assert str(forced) == "forced, though refused: 17/18 against 18/18; few change"
    assert (refused.activates, forced.activates) == (False, True)
    assert forced.to_json()["candidate"] == {"correct": 17, "n": 18}
    assert forced.to_json()["active"] is None


@pytest.mark.parametrize(("max_change", "passed"), [(0.2, True), (0.19, False)])
def test_a_model_that_changes_too_much_is_refused(max_change: float, passed: bool) -> None:  # noqa: FBT001  # pytest passes it by name
    """As many right on the hold-out does not excuse other labels in the archive."""
    contest = Contest(Count(9, 9), Count(9, 9), new_labels=0, learned=0)
    counts = {("Aqua", "Aqua"): 8, ("Megumin", None): 2, (None, "Darkness"): 0}
    diff = Diff(1, 2, ("Aqua", "Megumin"), ("Aqua",), 10, 10, 0, 0, counts, {})
    verdict = gate._weigh(
        contest, diff, candidate=VERSION, limits=Limits(max_change=max_change), force=False
    )
    assert verdict.passed == passed
    assert "2 of 10 stored faces looked at (20.0%)" in verdict.reasons[1]
    assert "as it knows no Megumin any more" in verdict.reasons[1]


def test_an_archive_without_faces_speaks_against_no_model() -> None:
    """Where no face is stored, the hold-out alone decides."""
    contest = Contest(Count(8, 9), Count(8, 9), new_labels=0, learned=0)
    diff = Diff(1, 2, ("Aqua",), ("Aqua",), 0, 0, 0, 0, {}, {})
    verdict = gate._weigh(contest, diff, candidate=VERSION, limits=Limits(), force=False)
    assert (verdict.passed, verdict.changed_share) == (True, None)


# From here on models are real: an untrained backbone, and heads that tell colours by it.


class House:
    """A home with a database, a backbone, and faces of three colours in an archive.

    Args:
        database: empty.
        home: kaolabel's own folder.
        spec: of the embedder.
        means: float32 (3, d); the embedding of each colour.
    """

    def __init__(
        self, database: Database, home: Path, spec: EmbedderSpec, means: np.ndarray[Any, Any]
    ) -> None:
        self.database, self.home, self.spec, self.means = database, home, spec, means
        self.ledger = Ledger(database)
        self.examples = examples_of(NAMES, each=3)

    def publish(
        self, labels: Mapping[str, int], *, threshold: float = 0.0, live: bool = False
    ) -> VersionRecord:
        """Save and register a version that gives each label to the faces of a colour."""
        centred = self.means - self.means.mean(axis=0)
        weight = centred[list(labels.values())].T * 50
        bias = -(weight.T @ self.means.mean(axis=0))
        head = replace(
            colour_head(labels, dimension=self.spec.dimension),
            weight=weight.astype(np.float32),
            bias=bias.astype(np.float32),
            background=-100.0,
            threshold=threshold,
        )
        golden = np.stack([face_input(colour_crop(RED), size=self.spec.size)])
        said = head.confidences(self.means[[RED]].astype(np.float16))
        evidence = replace(
            evidence_of(head, golden=golden, confidences=said),
            trained=keys(()),
            judged_weight=head.weight,
        )
        artifact = small_artifact(head, spec=self.spec, evidence=evidence)
        artifacts.save(artifact, artifacts.stored_path(artifact.sha256, home=self.home))
        if live:
            return publish_live(self.database, artifact, why="a test")
        return registry.publish(self.database, artifact)

    def store(self, *channels: int) -> None:
        """Put faces of these colours into the archive."""
        run = self.ledger.run()
        claim = self.ledger.take(run, b"image.png")
        vectors = [self.means[channel].astype("<f2").tobytes() for channel in channels]
        found = content(b"image", *(face(embedding=vector) for vector in vectors))
        self.ledger.commit(claim, replace(job_result([found]), embedder=self.spec.id))

    def promote(self, candidate: VersionRecord, **options: Any) -> Verdict:
        """Send a version through the gate."""
        return gate.promote(
            self.database,
            home=self.home,
            candidate=candidate,
            examples=options.pop("examples", self.examples),
            progress=ignore,
            **options,
        )

    @property
    def active(self) -> int | None:
        """The live version."""
        found = registry.active(self.database)
        return None if found is None else found.id

    def log(self) -> list[str]:
        """Why each version was activated."""
        return [why for (why,) in self.ledger.rows("SELECT why FROM activations ORDER BY id")]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[EmbedderSpec, np.ndarray[Any, Any]]:
    """The untrained backbone, and what it sees in the colours."""
    home = tmp_path_factory.mktemp("seeded")
    spec = EmbedderSpec.of(backbone.obtain("seeded", home=home), taps=("mixed0",))
    crops = [colour_crop(channel) for channel in (RED, GREEN, BLUE)]
    pixels = np.stack([face_input(crop, size=spec.size) for crop in crops])
    return spec, Embedder(spec, home=home).embed(pixels).astype(np.float32)


@pytest.fixture
def house(sqlite: Database, home: Path, seen: tuple[EmbedderSpec, np.ndarray[Any, Any]]) -> House:
    """An archive of six faces; nothing is active."""
    house = House(sqlite, home, *seen)
    house.store(RED, RED, GREEN, GREEN, BLUE, BLUE)
    return house


def test_the_first_model_is_activated_at_once(house: House) -> None:
    """Without another model there is nothing to compare with, and the log says so."""
    first = house.publish(NAMES)
    verdict = house.promote(first, why="trained on faces")
    assert (verdict.passed, verdict.against, house.active) == (True, None, first.id)
    assert house.log() == ["trained on faces; passed: it is the first model"]


def test_an_equal_model_passes(house: House) -> None:
    """As many right, and no label changed: it goes live, with the counts in the log."""
    house.publish(NAMES, live=True)
    second = house.publish(NAMES, threshold=0.01)
    verdict = house.promote(second)
    assert (verdict.candidate, verdict.active) == (Count(9, 9), Count(9, 9))
    assert (verdict.passed, verdict.changed_share, house.active) == (True, 0.0, second.id)
    assert house.log()[-1] == (
        "trained; passed: 9/9 held-out faces right against 9/9 of version 1, where 0 fewer are "
        "allowed; 0 of 6 stored faces looked at (0.0%) change their label, where 20.0% may"
    )
    assert house.promote(second).reasons == ("it is the active model already",)
    assert len(house.log()) == 2


def test_a_worse_model_is_refused_unless_forced(house: House) -> None:
    """Fewer right and other labels: the active one goes on until a person insists."""
    first = house.publish(NAMES, live=True)
    worse = house.publish(SWAPPED)
    verdict = house.promote(worse)
    assert (verdict.passed, verdict.forced, house.active) == (False, False, first.id)
    assert (verdict.candidate, verdict.active) == (Count(3, 9), Count(9, 9))
    assert verdict.changed_share == pytest.approx(4 / 6)
    assert str(verdict).startswith("refused: 3/9 held-out faces right against 9/9 of version 1")
    assert str(verdict).endswith(f"`kaolabel models activate {worse.id}` activates it all the same")
    forced = house.promote(worse, force=True)
    assert (forced.passed, forced.forced, house.active) == (False, True, worse.id)
    assert house.log()[-1].startswith("trained; forced, though refused: 3/9")


def test_without_a_face_to_compare_on_it_does_not_pass(house: House) -> None:
    """No hold-out, or only labels that are new: a person must decide."""
    house.publish({"Aqua": RED}, live=True)
    candidate = house.publish({"Aqua": RED, "Megumin": GREEN})
    verdict = house.promote(candidate, examples=examples_of({"Megumin": GREEN}))
    assert (verdict.passed, verdict.candidate) == (False, Count(0, 0))
    assert verdict.reasons[0] == (
        "no held-out face is left to compare it with version 1 on "
        "(left out: 2 whose label the active model does not know)"
    )


def test_an_active_model_that_is_gone_is_told(house: House) -> None:
    """Where the active artifact is lost nothing can be compared, and only force helps."""
    first = house.publish(NAMES, live=True)
    shutil.rmtree(artifacts.stored_path(first.sha256, home=house.home))
    second = house.publish(NAMES, threshold=0.01)
    verdict = house.promote(second, force=True)
    assert (verdict.passed, verdict.forced, house.active) == (False, True, second.id)
    assert verdict.reasons[0].startswith("version 1 is active, but cannot be compared with: ")


def test_a_broken_candidate_is_never_activated(house: House) -> None:
    """Force helps no artifact that is damaged, first model or not."""
    candidate = house.publish(NAMES)
    shutil.rmtree(artifacts.stored_path(candidate.sha256, home=house.home))
    with pytest.raises(ModelError, match="cannot be used"):
        house.promote(candidate, force=True)
    assert house.active is None


def test_a_model_that_went_live_meanwhile_is_not_replaced_unseen(house: House) -> None:
    """A verdict over another active model than the one that is live now does not count."""
    house.publish(NAMES, live=True)
    candidate, other = (house.publish(NAMES, threshold=part) for part in (0.01, 0.02))

    def interfere(stage: str, done: int, total: int, detail: str = "") -> None:  # noqa: ARG001  # Progress names it
        if stage == "comparing" and done == total:
            registry.activate(house.database, other.id, why="by hand")

    verdict = gate.promote(
        house.database,
        home=house.home,
        candidate=candidate,
        examples=house.examples,
        progress=interfere,
    )
    assert (verdict.passed, house.active) == (False, other.id)
    assert verdict.reasons[-1].startswith(f"version {other.id} was activated meanwhile")
