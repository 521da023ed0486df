"""Which faces a page shows: ranked within their groups, then thinned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from review.ranking import UNKNOWN, UNSCORED, Ranking, choose

AQUA = ("label", "Aqua")


def test_the_most_certain_faces_come_first() -> None:
    """A face without a confidence is the last of its group, and equals stay as they came."""
    ranking = Ranking()
    for face_id, confidence in ((1, None), (2, 0.2), (3, 0.7), (4, 0.7), (5, None)):
        ranking.add(face_id, confidence)
    assert ranking.ids() == [3, 4, 2, 1, 5]


def test_faces_are_chosen_by_group() -> None:
    """Each known label has its faces; unknown ones stand together, by the label they are near."""
    faces = [
        (1, None, False, None),
        (2, "Megumin", True, 0.3),
        (3, "Aqua", True, 0.2),
        (4, "Aqua", False, 0.6),
        (5, "Aqua", False, 0.9),
        (6, "Aqua", True, 0.4),
    ]
    shown = {AQUA: (2, 2), UNKNOWN: (3, 3), UNSCORED: (1, 1)}
    assert choose(faces, shown=shown) == {AQUA: [5, 4], UNKNOWN: [6, 3, 2], UNSCORED: [1]}


def test_a_group_without_a_face_has_none_to_show() -> None:
    """An empty ranking is no error."""
    assert Ranking().ids() == []
    assert choose([], shown={AQUA: (0, 1)}) == {AQUA: []}


@given(count=st.integers(1, 200), cap=st.integers(1, 200))
def test_a_large_group_is_thinned_evenly(count: int, cap: int) -> None:
    """As many as may be shown, the most certain one among them, in falling order."""
    faces = [(number, "Aqua", False, number / count) for number in range(count)]
    (chosen,) = choose(faces, shown={AQUA: (count, min(count, cap))}).values()
    assert len(chosen) == min(count, cap)
    assert chosen[0] == count - 1
    assert chosen == sorted(set(chosen), reverse=True)
