"""The head's predictions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from worker.vision.classify import Head, calibrate


def make(count: int = 3, **changes: Any) -> Head:
    """A head over as many features as labels, each label following its own feature."""
    values: dict[str, Any] = {
        "labels": tuple(f"label {index}" for index in range(count)),
        "weight": np.eye(count, dtype=np.float32),
        "bias": np.zeros(count, np.float32),
        "temperature": 1.0,
        "background": 0.0,
        "threshold": 0.5,
    }
    return Head(**(values | changes))


def test_the_strongest_label_wins() -> None:
    """A prediction names the label of the largest logit, and its confidence comes first."""
    (prediction,) = make().predict(np.array([[0, 9, 1]], np.float16))
    assert prediction.label == "label 1"
    assert prediction.top[0] == ("label 1", prediction.confidence)
    assert not prediction.unknown


def test_a_face_without_evidence_is_unknown() -> None:
    """Where all logits are far below the background, every confidence is low."""
    (prediction,) = make().predict(np.full((1, 3), -9, np.float16))
    assert prediction.confidence < 0.01
    assert prediction.unknown


def test_unknown_means_below_the_threshold() -> None:
    """The confidence that equals the threshold is still known."""
    face = np.array([[1, 0, 0]], np.float16)
    confidence = make().predict(face)[0].confidence
    assert not make(threshold=confidence).predict(face)[0].unknown
    assert make(threshold=confidence + 1e-6).predict(face)[0].unknown


def rejecting(**changes: Any) -> Head:
    """A head that follows a fourth feature as evidence of rejected faces."""
    parts = {"weight": np.eye(4, dtype=np.float32), "bias": np.zeros(4, np.float32)}
    return make(**(parts | {"rejects": True} | changes))


def test_a_face_like_the_rejected_is_unknown_and_keeps_its_label() -> None:
    """Evidence of a rejected face lowers the confidence, and no prediction names it."""
    face = np.array([[3, 0, 0, 9]], np.float16)
    (prediction,) = rejecting().predict(face)
    assert prediction.label == "label 0"
    assert prediction.unknown
    assert len(prediction.top) == 3
    assert rejecting().confidences(face).shape == (1, 3)


def test_without_evidence_of_rejection_nothing_changes() -> None:
    """Where the fourth column says nothing, the confidences are those of a head without it."""
    faces = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float16)
    silent = rejecting(bias=np.array([0, 0, 0, -99], np.float32))
    np.testing.assert_array_equal(silent.confidences(faces), make().confidences(faces[:, :3]))


def test_top_has_at_most_five_labels_in_order() -> None:
    """Of many labels the five most likely are given, best first."""
    faces = np.random.default_rng(0).normal(size=(4, 9)).astype(np.float16)
    for prediction in make(9).predict(faces):
        confidences = [confidence for _, confidence in prediction.top]
        assert len(confidences) == 5
        assert confidences == sorted(confidences, reverse=True)


def test_confidences_do_not_depend_on_the_batch() -> None:
    """A face alone gets the same numbers as among others."""
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(500, 7)).astype(np.float32)
    head = make(7, weight=weight)
    faces = rng.normal(size=(33, 500)).astype(np.float16)
    alone = np.concatenate([head.confidences(faces[index : index + 1]) for index in range(33)])
    np.testing.assert_array_equal(alone, head.confidences(faces))


def test_no_faces_give_no_predictions() -> None:
    """An empty batch is fine."""
    assert make().predict(np.empty((0, 3), np.float16)) == ()


def test_embeddings_of_another_length_are_refused() -> None:
    """Embeddings of another embedder do not slip through."""
    with pytest.raises(ValueError, match=r"must be \(n, 3\)"):
        make().predict(np.zeros((1, 4), np.float16))


@pytest.mark.parametrize(
    "change",
    [
        {"labels": ("a", "a", "b")},
        {"labels": ()},
        {"labels": ("a", "b", "")},
        {"bias": np.zeros(2, np.float32)},
        {"weight": np.full((3, 3), np.inf, np.float32)},
        {"temperature": 0.0},
        {"threshold": 1.5},
        {"background": float("nan")},
        {"rejects": True},
        {"weight": np.eye(4, dtype=np.float32)[:3]},
    ],
)
def test_a_head_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    """Labels, shapes and numbers are checked when a head is made."""
    with pytest.raises(ValueError, match=r"head|labels"):
        make(**change)


def measuring(centre: tuple[float, ...] = (2, 1, 0)) -> Head:
    """A head that divides by the distance from a centre."""
    place = np.array(centre, np.float32)
    return make(
        weight=np.column_stack([np.eye(3, dtype=np.float32), -2 * place]),
        bias=np.append(np.zeros(3, np.float32), place @ place),
    )


def test_a_measuring_head_divides_by_the_distance() -> None:
    """Logits are those of a head that does not measure, over the distance from the centre."""
    faces = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float16)
    head = measuring()
    distances = np.linalg.norm(faces.astype(np.float64) - [2, 1, 0], axis=1)
    expected = calibrate(faces / distances[:, None], temperature=1.0, background=0.0)
    assert head.measures
    assert not make().measures
    np.testing.assert_allclose(head.confidences(faces), expected, atol=1e-5)


def test_a_face_at_the_centre_has_a_confidence() -> None:
    """Where there is no distance to divide by, the result is a number all the same."""
    (prediction,) = measuring().predict(np.array([[2, 1, 0]], np.float16))
    assert 0 <= prediction.confidence <= 1


def test_evidence_of_rejection_is_measured_too() -> None:
    """A head can both reject and measure; the two columns do not mix."""
    columns = np.column_stack([np.eye(4, dtype=np.float32), np.zeros(4, np.float32)])
    head = rejecting(weight=columns, bias=np.zeros(5, np.float32))
    assert head.measures
    assert head.confidences(np.array([[3, 0, 0, 9]], np.float16)).shape == (1, 3)
    (prediction,) = head.predict(np.array([[3, 0, 0, 9]], np.float16))
    assert (prediction.label, prediction.unknown) == ("label 0", True)
