"""The loss that contrasts characters."""

from __future__ import annotations

import numpy as np

from training.pretraining.losses import contrast

TEMPERATURE = 0.2


def expected(who: list[int], vectors: np.ndarray) -> list[float]:
    """Equation 2 of Khosla et al. 2020, term by term."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    losses = []
    for i, anchor in enumerate(unit):
        others = [a for a in range(len(unit)) if a != i]
        total = sum(np.exp(anchor @ unit[a] / TEMPERATURE) for a in others)
        alike = [p for p in others if who[p] == who[i]]
        terms = [np.log(np.exp(anchor @ unit[p] / TEMPERATURE) / total) for p in alike]
        losses.append(-sum(terms) / max(len(alike), 1))
    return losses


def test_it_is_the_published_loss() -> None:
    """Every anchor's loss is that of the paper, also of one that has no second view."""
    vectors = np.random.default_rng(0).normal(size=(7, 5)).astype(np.float32)
    who = [0, 0, 1, 1, 1, 2, 0]
    losses = contrast(TEMPERATURE)(np.array(who, np.int32)[:, None], vectors)
    np.testing.assert_allclose(np.asarray(losses), expected(who, vectors), rtol=1e-4)


def test_views_that_agree_cost_less() -> None:
    """The loss is lower where the views of a character point the same way."""
    who = np.array([[0], [0], [1], [1]], np.int32)
    apart = np.array([[1, 0], [0, 1], [1, 0], [0, 1]], np.float32)
    together = np.array([[1, 0], [1, 0], [0, 1], [0, 1]], np.float32)
    loss = contrast(TEMPERATURE)
    assert np.mean(np.asarray(loss(who, together))) < np.mean(np.asarray(loss(who, apart)))
