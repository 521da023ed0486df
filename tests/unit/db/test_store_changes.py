"""What a relabelling changed, counted against what stood before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.store import changes, spans
from db.store.changes import Change, FaceCounts
from db.store.spans import SpanResult
from tests.ledger import face, prediction

if TYPE_CHECKING:
    from tests.ledger import Ledger


def test_changed_labels_are_counted(ledger: Ledger) -> None:
    """Each face is compared with the newest earlier version; what people settled is left out."""
    old = ledger.publish_model("a")
    aqua, unknown = face(prediction()), face(prediction(unknown=True))
    faces = ledger.faces(aqua, aqua, aqua, unknown, aqua, face(None), version=old)
    ledger.execute(
        "INSERT INTO annotations (id, face_id, kind, label, created_at)"
        " VALUES (1, :face, 'is', 'Aqua', 0)",
        face=faces[4],
    )
    relabel = ledger.relabel(ledger.publish_model("b"))
    job = ledger.cut_faces(relabel)
    assert job is not None
    claim = ledger.claim(job)
    assert claim is not None
    rows = [
        (number, relabel.version_id, label, 0.5, label == "?", "[]")
        for number, label in zip(
            faces, ("Megumin", "Megumin", "Aqua", "Aqua", "Megumin", "?"), strict=True
        )
    ]
    with ledger.database.write() as connection:
        spans.commit(connection, claim, SpanResult(relabel.version_id, rows, (), (), None))
    with ledger.database.read() as connection:
        found = changes.of_relabel(connection, relabel)
        counts = changes.count(connection, relabel.version_id)
    assert found == [Change("Aqua", "Megumin", 2), Change(None, "Aqua", 1)]
    assert counts == FaceCounts(faces=6, scored=6, unknown=1, annotated=1)
