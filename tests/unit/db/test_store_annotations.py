"""Annotations: people's words, what they take back, and what they are read for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from db.records import AnnotationKind, AnnotationRecord
from db.store import annotations as store
from db.store import places
from db.store.annotations import Said
from tests.ledger import content, face, prediction

if TYPE_CHECKING:
    from db.records import AnnotatedFace
    from tests.ledger import Ledger

IS, IS_NOT, NO_FACE = AnnotationKind.IS, AnnotationKind.IS_NOT, AnnotationKind.NOT_A_FACE


def faces(ledger: Ledger, number: int = 1) -> list[int]:
    """So many faces in one image; their numbers."""
    found = content(b"1", *[face() for _ in range(number)])
    ledger.finish(ledger.take(ledger.run(), b"a.png"), found)
    return [face_id for (face_id,) in ledger.rows("SELECT id FROM faces ORDER BY id")]


def word(face_id: int, said: str, *, author: str | None = None, at: float = 0) -> AnnotationRecord:
    """What a person says of a face: `Aqua`, `not Aqua` or `no face`."""
    if said == "no face":
        return AnnotationRecord(face_id, NO_FACE, "", author, at)
    label = said.removeprefix("not ")
    return AnnotationRecord(face_id, IS if label == said else IS_NOT, label, author, at)


def say(ledger: Ledger, *words: AnnotationRecord) -> Said:
    """Let people say something."""
    with ledger.database.write() as connection:
        return store.say(connection, words)


def stored(ledger: Ledger) -> list[tuple[str, str]]:
    """Every kind and label in the database."""
    return ledger.rows("SELECT kind, label FROM annotations ORDER BY face_id, kind, label")


def examples(ledger: Ledger) -> list[AnnotatedFace]:
    """What training reads."""
    with ledger.database.read() as connection:
        return list(store.examples(connection))


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        (["Aqua"], "Megumin", ["Megumin"]),
        (["no face"], "Aqua", ["Aqua"]),
        (["not Aqua"], "Aqua", ["Aqua"]),
        (["not Megumin"], "Aqua", ["Aqua", "not Megumin"]),
        (["Aqua"], "no face", ["no face"]),
        (["not Aqua", "not Megumin"], "no face", ["no face"]),
        (["Aqua"], "not Aqua", ["not Aqua"]),
        (["Aqua"], "not Megumin", ["Aqua", "not Megumin"]),
        (["not Aqua"], "not Megumin", ["not Aqua", "not Megumin"]),
        (["no face"], "not Aqua", ["no face"]),
        (["Aqua"], "Aqua", ["Aqua"]),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_a_newer_word_takes_back_what_it_contradicts(
    ledger: Ledger,
    before: list[str],
    after: str,
    left: list[str],
    at_once: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    """Whatever was said before, in the same breath or earlier, only what can be true stays."""
    (face_id,) = faces(ledger)
    words = [word(face_id, said) for said in (*before, after)]
    for breath in [words] if at_once else [[one] for one in words]:
        say(ledger, *breath)
    expected = [(one.kind, one.label) for one in (word(face_id, said) for said in left)]
    assert stored(ledger) == sorted(expected)


def test_the_same_word_again_changes_nothing(ledger: Ledger) -> None:
    """Who said a thing first, and when, stays."""
    (face_id,) = faces(ledger)
    say(ledger, word(face_id, "Aqua", author="ann"))
    before = ledger.rows("SELECT * FROM annotations")
    said = say(ledger, word(face_id, "Aqua", author="bob"))
    assert said == Said(added=0, replaced=0, unchanged=1)
    assert ledger.rows("SELECT * FROM annotations") == before


def test_what_became_of_the_words_is_counted(ledger: Ledger) -> None:
    """New words, earlier ones that they took back, and words that changed nothing."""
    one, two, three = faces(ledger, 3)
    assert say(ledger, word(one, "Aqua"), word(two, "not Aqua")) == Said(2, 0, 0)
    said = say(ledger, word(one, "Megumin"), word(two, "not Aqua"), word(three, "no face"))
    assert said == Said(added=2, replaced=1, unchanged=1)


def test_the_time_is_the_databases_own(ledger: Ledger) -> None:
    """A word has the time at which it was written; later ones can be told from it."""
    one, two = faces(ledger, 2)
    say(ledger, word(one, "Aqua"))
    first = ledger.value("SELECT created_at FROM annotations")
    assert first > 1_600_000_000
    say(ledger, word(two, "Aqua"))
    with ledger.database.read() as connection:
        assert store.count_since(connection, 0) == 2
        assert store.count_since(connection, first) == 1
        assert store.count_since(connection, first + 3600) == 0


def test_words_are_brought_back_with_their_time(ledger: Ledger) -> None:
    """A past time counts for a face of which nothing was said, and for no other; no future does."""
    restored, corrected, early = faces(ledger, 3)
    say(ledger, word(corrected, "Aqua"))
    now = ledger.value("SELECT created_at FROM annotations")
    say(ledger, word(restored, "Aqua", at=1000.25), word(restored, "not Megumin", at=2000.5))
    say(ledger, word(corrected, "Megumin", at=1000), word(early, "Aqua", at=9e9))
    times = ledger.rows("SELECT created_at FROM annotations ORDER BY created_at")
    assert times[:2] == [(1000.25,), (2000.5,)]
    assert all(now <= time < 9e9 for (time,) in times[2:])


def test_training_reads_every_annotated_face_once(ledger: Ledger) -> None:
    """Each comes with its crop and all that was said, in the order of the faces."""
    named, denied, none, _ = faces(ledger, 4)
    say(ledger, word(none, "no face"), word(denied, "not Megumin"), word(denied, "not Aqua"))
    say(ledger, word(named, "not Megumin"), word(named, "Aqua"))
    found = examples(ledger)
    assert [one.id for one in found] == [named, denied, none]
    assert [one.label for one in found] == ["Aqua", None, None]
    assert [one.not_labels for one in found] == [(), ("Aqua", "Megumin"), ()]
    assert [one.not_a_face for one in found] == [False, False, True]
    assert found[0].crop == face().crop


def test_annotations_come_by_image_and_face(ledger: Ledger) -> None:
    """Each has the first image that shows its face; faces whose images are gone come last."""
    run, found = ledger.run(b"/pictures\xff"), content(b"2", face(), face())
    ledger.finish(ledger.take(run, b"z.png"), content(b"1", face()))
    ledger.finish(ledger.take(run, b"b.png"), found)
    ledger.finish(ledger.take(run, b"a.png"), found)
    ledger.finish(ledger.take(run, b"gone.png"), content(b"3", face()))
    ledger.register(run, b"gone.png", size=2)
    ids = [face_id for (face_id,) in ledger.rows("SELECT id FROM faces ORDER BY id")]
    say(ledger, *[word(face_id, "Aqua", author="ann") for face_id in ids])
    with ledger.database.read() as connection:
        rows = list(store.every(connection))
        assert store.labels(connection) == {"Aqua"}
    assert [(row.root, row.path, row.face_id) for row in rows] == [
        (b"/pictures\xff", b"b.png", ids[1]),
        (b"/pictures\xff", b"b.png", ids[2]),
        (b"/pictures\xff", b"z.png", ids[0]),
        (None, None, ids[3]),
    ]
    assert (rows[0].kind, rows[0].label, rows[0].author) == (IS, "Aqua", "ann")


def test_faces_that_nobody_judged_can_be_chosen(ledger: Ledger) -> None:
    """By the label that stands, or unknown ones; never one of which something was said."""
    version, run = ledger.publish_model(), ledger.run()
    said = [
        prediction("Aqua"),
        prediction("Megumin"),
        prediction("Aqua", confidence=0.1, unknown=True),
        None,
        prediction("Aqua"),
    ]
    found = content(b"1", *[face(one) for one in said])
    ledger.finish(ledger.take(run, b"a.png"), found, version=version)
    first, *_, last = (one for (one,) in ledger.rows("SELECT id FROM faces ORDER BY id"))
    say(ledger, word(last, "not Megumin"))
    with ledger.database.read() as connection:
        every = list(places.unjudged(connection))
        aqua = list(places.unjudged(connection, label="Aqua"))
        unknown = list(places.unjudged(connection, unknown=True))
    assert [one.id - first for one in every] == [0, 1, 2, 3]
    assert [one.label for one in every] == ["Aqua", "Megumin", "Aqua", None]
    assert [one.id - first for one in aqua] == [0]
    assert [(one.id - first, one.confidence) for one in unknown] == [(2, 0.1)]


def test_faces_to_judge_come_by_pages(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """By archive, path and face, each on its first image, however few images one query reads."""
    for root in (b"/b", b"/a"):
        run = ledger.run(root)
        for name in (b"2.png", b"1.png", b"3.png"):
            ledger.finish(ledger.take(run, name), content(root[:2] + name, face(), face()))
    again = ledger.take(ledger.run(b"/c"), b"copy.png")
    ledger.finish(again, content(b"/a1.png"))
    monkeypatch.setattr(places, "_PAGE", 2)
    with ledger.database.read() as connection:
        found = [(one.root, one.path) for one in places.unjudged(connection)]
    names = (b"1.png", b"2.png", b"3.png")
    assert found == [(root, name) for root in (b"/a", b"/b") for name in names for _ in "12"]


def test_two_writers_never_give_a_face_two_labels(postgresql_ledger: Ledger) -> None:
    """People who speak of the same faces at the same time wait for each other."""
    ids = faces(postgresql_ledger, 40)
    names = ("Aqua", "Megumin", "Darkness", "Kazuma")

    def speak(place: int) -> None:
        order = ids if place % 2 else ids[::-1]
        for _ in range(5):
            say(postgresql_ledger, *[word(face_id, names[place]) for face_id in order])

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(speak, range(len(names))))
    assert postgresql_ledger.value("SELECT count(*) FROM annotations") == len(ids)
    assert postgresql_ledger.value("SELECT count(DISTINCT face_id) FROM annotations") == len(ids)
