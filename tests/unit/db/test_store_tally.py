"""The tally: what an archive holds, as it now stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from db.records import Box, ImageResult, Outcome
from db.store import extent, survey, tally
from tests.ledger import content, face, job_result, prediction, unreadable

if TYPE_CHECKING:
    from db.records import LabelledFace, RunRecord, Tally
    from tests.ledger import Ledger


def count(ledger: Ledger, run: RunRecord) -> Tally:
    """The counts of a run."""
    with ledger.database.read() as connection:
        return tally.count(connection, run)


def labelled(ledger: Ledger, run: RunRecord) -> list[LabelledFace]:
    """The faces of a run, in the order of their ids."""
    with ledger.database.read() as connection:
        briefs = survey.briefs(connection, run, within=extent.of(connection, run))
        ids = [face_id for face_id, *_ in briefs]
        found = survey.labelled(connection, run, ids)
    return [found[face_id] for face_id in ids]


def annotate(ledger: Ledger, face_id: int, kind: str, label: str = "") -> None:
    """Let a person say something of a face."""
    ledger.execute(
        "INSERT INTO annotations (face_id, kind, label, created_at)"
        " VALUES (:face, :kind, :label, 0)",
        face=face_id,
        kind=kind,
        label=label,
    )


def test_an_empty_run_counts_nothing(ledger: Ledger) -> None:
    """A run that has seen no file has zeros everywhere."""
    found = count(ledger, ledger.run())
    assert (found.images, found.contents, found.faces, found.labels, found.pending) == (0,) * 3 + (
        {},
        0,
    )


def test_every_image_is_counted_in_one_place(ledger: Ledger) -> None:
    """Images with and without faces, unreadable, set aside and pending ones add up to all."""
    run = ledger.run()
    claim = ledger.take(run, b"face", b"copy", b"none", b"gone", b"killer")
    ledger.register(run, b"later")
    images = ledger.todo(claim.job_id)
    with_face, none = content(b"1", face(), face()), content(b"2")
    linked = [with_face, with_face, none]
    states = [
        ImageResult(image.id, found.content.sha256)
        for image, found in zip(images, linked, strict=False)
    ]
    states += [unreadable(images[3]), ImageResult(images[4].id, None, Outcome.QUARANTINED)]
    ledger.commit(claim, job_result([with_face, none], states))
    found = count(ledger, run)
    parts = (found.with_face, found.no_face, found.unreadable, found.quarantined, found.pending)
    assert parts == (2, 1, 1, 1, 1)
    assert found.images == sum(parts)
    assert found.contents == 2
    # Both names of the bytes show the same two faces.
    assert (found.faces, found.unscored) == (2, 2)


def test_faces_are_counted_by_label(ledger: Ledger) -> None:
    """Known labels are counted each, faces below the threshold as unknown, the rest as unscored."""
    version, run = ledger.publish_model(), ledger.run()
    said = [
        prediction("Megumin"),
        prediction("Aqua"),
        prediction("Aqua"),
        prediction("Aqua", confidence=0.1, unknown=True),
        None,
    ]
    faces = [face(one) for one in said]
    ledger.finish(ledger.take(run, b"a"), content(b"1", *faces), version=version)
    found = count(ledger, run)
    assert found.labels == {"Aqua": 2, "Megumin": 1}
    assert list(found.labels) == ["Aqua", "Megumin"]
    assert (found.faces, found.unknown, found.unscored) == (5, 1, 1)


def test_only_files_that_the_run_has_seen_count(ledger: Ledger) -> None:
    """A file that was deleted since an older run is no part of the archive any more."""
    first = ledger.run()
    ledger.finish(ledger.take(first, b"a", b"b"), content(b"1", face()), content(b"2", face()))
    second = ledger.run()
    ledger.register(second, b"a")
    assert count(ledger, second).faces == 1
    assert count(ledger, second).images == 1


def test_an_older_label_stands_until_there_is_a_newer_one(ledger: Ledger) -> None:
    """Without a word of the active version the newest earlier one counts, and is marked stale."""
    run = ledger.run()
    for name, label in (("a", "Aqua"), ("b", "Megumin")):
        version = ledger.publish_model(name)
        if name == "a":
            said = content(b"1", face(prediction(label)))
            ledger.finish(ledger.take(run, b"a"), said, version=version)
            (found,) = labelled(ledger, run)
            assert (found.label, found.stale) == ("Aqua", False)
    (found,) = labelled(ledger, run)
    assert (found.label, found.stale) == ("Aqua", True)
    assert count(ledger, run).labels == {"Aqua": 1}


def test_the_active_version_wins_over_a_newer_one(ledger: Ledger) -> None:
    """After a rollback the older version's word stands again, and is not stale."""
    old, new = ledger.publish_model("a"), ledger.publish_model("b")
    run = ledger.run()
    ledger.finish(ledger.take(run, b"a"), content(b"1", face(prediction("Aqua"))), version=old)
    face_id = ledger.value("SELECT id FROM faces")
    add_prediction(ledger, face_id, new, "Megumin")
    assert [one.label for one in labelled(ledger, run)] == ["Megumin"]
    ledger.execute("INSERT INTO activations (version_id, at, why) VALUES (:old, 0, '')", old=old)
    (found,) = labelled(ledger, run)
    assert (found.label, found.stale) == ("Aqua", False)


def test_a_persons_word_stands_above_all_models(ledger: Ledger) -> None:
    """An annotated face has the person's label, is not unknown, not stale, without confidence."""
    version, run = ledger.publish_model("a"), ledger.run()
    doubtful = content(b"1", face(prediction("Aqua", confidence=0.1, unknown=True)))
    ledger.finish(ledger.take(run, b"a"), doubtful, version=version)
    annotate(ledger, ledger.value("SELECT id FROM faces"), "is", "Darkness")
    ledger.publish_model("b")
    (found,) = labelled(ledger, run)
    assert (found.label, found.annotated) == ("Darkness", True)
    assert (found.unknown, found.stale, found.confidence) == (False, False, None)
    counts = count(ledger, run)
    assert (counts.labels, counts.unknown) == ({"Darkness": 1}, 0)


def test_annotated_faces_that_no_model_has_seen_count(ledger: Ledger) -> None:
    """A person's label needs no prediction, and joins the faces that models gave the same label."""
    version, run = ledger.publish_model(), ledger.run()
    faces = (face(prediction("Aqua")), face())
    ledger.finish(ledger.take(run, b"a"), content(b"1", *faces), version=version)
    annotate(ledger, ledger.value("SELECT max(id) FROM faces"), "is", "Aqua")
    counts = count(ledger, run)
    assert (counts.labels, counts.unscored) == ({"Aqua": 2}, 0)


def test_what_is_not_a_face_is_gone(ledger: Ledger) -> None:
    """A box that a person took for no face is neither counted nor shown."""
    run = ledger.run()
    ledger.finish(ledger.take(run, b"a"), content(b"1", face(), face()))
    annotate(ledger, ledger.value("SELECT min(id) FROM faces"), "not_a_face")
    assert count(ledger, run).faces == 1
    assert len(labelled(ledger, run)) == 1


def test_what_a_face_is_not_changes_no_label(ledger: Ledger) -> None:
    """A person's word on what a face is not is for training; the model's word stands."""
    version, run = ledger.publish_model(), ledger.run()
    ledger.finish(ledger.take(run, b"a"), content(b"1", face(prediction())), version=version)
    annotate(ledger, ledger.value("SELECT id FROM faces"), "is_not", "Megumin")
    (found,) = labelled(ledger, run)
    assert (found.label, found.annotated) == ("Aqua", False)


def test_a_label_that_a_person_denied_does_not_stand(ledger: Ledger) -> None:
    """The face counts as unknown, until a model or a person gives it another label."""
    version, run = ledger.publish_model("a"), ledger.run()
    faces = (face(prediction("Aqua")), face(prediction("Aqua")))
    ledger.finish(ledger.take(run, b"a"), content(b"1", *faces), version=version)
    face_id = ledger.value("SELECT min(id) FROM faces")
    annotate(ledger, face_id, "is_not", "Aqua")
    denied = labelled(ledger, run)[0]
    assert (denied.id, denied.label, denied.confidence) == (face_id, "Aqua", None)
    assert denied.unknown
    assert denied.annotated
    counts = count(ledger, run)
    assert (counts.faces, counts.labels, counts.unknown) == (2, {"Aqua": 1}, 1)
    add_prediction(ledger, face_id, ledger.publish_model("b"), "Megumin")
    counts = count(ledger, run)
    assert (counts.labels, counts.unknown) == ({"Aqua": 1, "Megumin": 1}, 0)


def test_a_denied_label_stays_denied_in_every_version(ledger: Ledger) -> None:
    """A later model that says the same again is not believed either."""
    version, run = ledger.publish_model("a"), ledger.run()
    ledger.finish(ledger.take(run, b"a"), content(b"1", face(prediction())), version=version)
    face_id = ledger.value("SELECT id FROM faces")
    annotate(ledger, face_id, "is_not", "Aqua")
    add_prediction(ledger, face_id, ledger.publish_model("b"), "Aqua")
    counts = count(ledger, run)
    assert (counts.labels, counts.unknown) == ({}, 1)


def test_a_survey_takes_any_number_of_queries(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and faces are the same, however few faces and contents one query looks at."""
    version, run = ledger.publish_model(), ledger.run()
    for number, label in enumerate(("Aqua", "Megumin", "Aqua", "Aqua")):
        said = content(b"%d" % number, face(prediction(label)), face())
        ledger.finish(ledger.take(run, b"%d" % number), said, version=version)
    counts, faces = count(ledger, run), labelled(ledger, run)
    monkeypatch.setattr(survey, "_SPAN", 3)
    monkeypatch.setattr(tally, "_SPAN", 2)
    monkeypatch.setattr(extent, "_SPAN", 1)
    assert count(ledger, run) == counts
    assert labelled(ledger, run) == faces
    assert (counts.contents, counts.labels, counts.unscored) == (4, {"Aqua": 3, "Megumin": 1}, 4)


def test_faces_of_other_archives_are_left_out(ledger: Ledger) -> None:
    """A survey of some faces gives those that the run's images show, and no others."""
    run, other = ledger.run(b"/a"), ledger.run(b"/b")
    for place in (run, other, run):
        name = b"%d" % ledger.value("SELECT count(*) FROM images")
        ledger.finish(ledger.take(place, name), content(name, face()))
    ids = [face_id for (face_id,) in ledger.rows("SELECT id FROM faces ORDER BY id")]
    with ledger.database.read() as connection:
        assert list(survey.labelled(connection, other, ids)) == ids[1:2]
    assert [one.id for one in labelled(ledger, run)] == [ids[0], ids[2]]


def test_a_face_is_shown_on_its_first_image(ledger: Ledger) -> None:
    """A face under two names is shown once, on the image that was listed first."""
    run = ledger.run()
    claim = ledger.take(run, b"\xff.png", b"copy.png")
    same = content(b"1", face())
    images = [ImageResult(image.id, same.content.sha256) for image in ledger.todo(claim.job_id)]
    ledger.commit(claim, job_result([same], images))
    (found,) = labelled(ledger, run)
    assert (found.path, found.box, found.detector) == (b"\xff.png", Box(1, 2, 30, 40), "lbp")


@pytest.mark.parametrize("active", [False, True])
def test_the_view_holds_what_people_should_look_at(ledger: Ledger, active: bool) -> None:  # noqa: FBT001  # a parameter of the test
    """The view has a row of each faceless image, and of each face below the live threshold."""
    version, run = ledger.publish_model(activate=active), ledger.run()
    claim = ledger.take(run, b"unsure", b"none", b"gone", b"killer")
    images = ledger.todo(claim.job_id)
    unsure = content(b"1", face(prediction("Aqua", unknown=True)), face(prediction("Aqua")))
    none = content(b"2")
    states = [
        ImageResult(images[0].id, unsure.content.sha256),
        ImageResult(images[1].id, none.content.sha256),
        unreadable(images[2]),
        ImageResult(images[3].id, None, Outcome.QUARANTINED, "decoder_crashed", "SIGSEGV"),
    ]
    ledger.commit(claim, job_result([unsure, none], states, version=version))
    found = ledger.rows("SELECT image_id, kind, reason, detail FROM unrecognized ORDER BY image_id")
    below = [(images[0].id, "unknown_face", "below_threshold", "Aqua")] if active else []
    assert found == [
        *below,
        (images[1].id, "no_face", "no_face_found", None),
        (images[2].id, "unreadable", "vanished", "no such file"),
        (images[3].id, "quarantined", "decoder_crashed", "SIGSEGV"),
    ]


@pytest.mark.parametrize(
    ("kind", "label", "left"), [("is", "Aqua", 0), ("not_a_face", "", 0), ("is_not", "Aqua", 1)]
)
def test_the_view_leaves_out_what_people_settled(
    ledger: Ledger, kind: str, label: str, left: int
) -> None:
    """An unknown face that a person named, or took for none, need not be looked at again."""
    version, run = ledger.publish_model(), ledger.run()
    unsure = content(b"1", face(prediction("Aqua", unknown=True)))
    ledger.finish(ledger.take(run, b"a"), unsure, version=version)
    annotate(ledger, ledger.value("SELECT id FROM faces"), kind, label)
    assert ledger.value("SELECT count(*) FROM unrecognized") == left


def add_prediction(ledger: Ledger, face_id: int, version: int, label: str) -> None:
    """Let a version say something of a face."""
    ledger.execute(
        "INSERT INTO predictions (face_id, version_id, label, confidence, unknown, top)"
        " VALUES (:face, :version, :label, 0.5, false, '[]')",
        face=face_id,
        version=version,
        label=label,
    )
