"""The plain loop: full decode, LBP at 400 px, crop, Inception V3 whole in batches of 32.

    python -m bench.peers.plain ARCHIVE HOME OUT --cascade FILE [--processes 2]

As anybody would write it who knows the libraries: one thread a library in each process, which
cascades and small batches are fastest with, one shape of batch, and no queue or database.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bench.peers.inception import LABELS, SIDE, network, scaled
from bench.peers.loop import run
from bench.peers.order import parser, read_order
from bench.peers.result import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from bench.peers.order import Order
    from bench.peers.result import Box

    Pixels = NDArray[np.uint8]

_LONG_SIDE = 400
_BATCH = 32


class PlainLabeller:
    """The stages of the plain loop.

    Args:
        classifier: the cascade, loaded.
        model: the network.
    """

    def __init__(self, classifier: cv2.CascadeClassifier, model: Any) -> None:
        self._classifier = classifier
        self._model = model
        self._waiting: list[tuple[str, Box, Pixels]] = []
        self._found: list[Found] = []

    def warm_up(self) -> None:
        """Trace the network."""
        classify(self._model, [np.zeros((SIDE, SIDE, 3), np.uint8)])

    def add(self, path: str, data: bytes) -> None:
        """Take an image's bytes; what is no image has no faces."""
        pixels = decode(data)
        if pixels is None:
            return
        for box in detect(self._classifier, pixels):
            self._waiting.append((path, box, crop(pixels, box)))
        while len(self._waiting) >= _BATCH:
            self._classify(_BATCH)

    def finish(self) -> list[Found]:
        """The faces of all images since the last time."""
        if self._waiting:
            self._classify(len(self._waiting))
        found, self._found = self._found, []
        return found

    def _classify(self, count: int) -> None:
        some, self._waiting = self._waiting[:count], self._waiting[count:]
        labels = classify(self._model, [face for _, _, face in some])
        pairs = zip(some, labels, strict=True)
        self._found += [Found(path, box, label) for (path, box, _), label in pairs]


def plain_labeller(order: Order) -> PlainLabeller:
    """Load cascade and network.

    Raises:
        SystemExit: there is no cascade.
    """
    cv2.setNumThreads(1)
    return PlainLabeller(load_cascade(order), network(order.weights))


def load_cascade(order: Order) -> cv2.CascadeClassifier:
    """The order's cascade.

    Raises:
        SystemExit: it cannot be loaded.
    """
    classifier = cv2.CascadeClassifier()
    if order.cascade is None or not classifier.load(str(order.cascade)):
        raise SystemExit(f"no cascade can be loaded from {order.cascade}: give --cascade FILE")
    return classifier


def decode(data: bytes) -> Pixels | None:
    """Pixels at full size; uint8 (height, width, 3), BGR; None if these bytes are no image."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        return None
    return None if pixels is None else np.asarray(pixels, np.uint8)


def detect(classifier: cv2.CascadeClassifier, pixels: Pixels) -> list[Box]:
    """Boxes of faces at full size, found in the image shrunk to 400 pixels."""
    height, width = pixels.shape[:2]
    scale = min(_LONG_SIDE / max(height, width), 1.0)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    grey = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY))
    boxes = classifier.detectMultiScale(grey, 1.1, 3, minSize=(24, 24))
    return [_at_full_size(box, 1 / scale, width=width, height=height) for box in boxes]


def crop(pixels: Pixels, box: Box) -> Pixels:
    """The face as the network takes it; uint8 (96, 96, 3), RGB."""
    x0, y0, x1, y1 = box
    square = cv2.resize(pixels[y0:y1, x0:x1], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(square, cv2.COLOR_BGR2RGB), np.uint8)


def classify(model: Any, faces: Sequence[Pixels]) -> list[str]:
    """Labels of up to 32 faces; the batch is filled up, as each other shape is traced anew."""
    batch = np.zeros((_BATCH, SIDE, SIDE, 3), np.float32)
    batch[: len(faces)] = scaled(np.stack(faces))
    shares = model.predict_on_batch(batch)[: len(faces)]
    return [LABELS[column] for column in np.argmax(shares, axis=1)]


def _at_full_size(box: Sequence[int], factor: float, *, width: int, height: int) -> Box:
    x, y, w, h = box
    x1, y1 = min(round((x + w) * factor), width), min(round((y + h) * factor), height)
    return round(x * factor), round(y * factor), x1, y1


if __name__ == "__main__":
    work = read_order(parser(__doc__).parse_args())
    run(work, plain_labeller).write(work.out)
