"""The limit: kaolabel's own stages in a bare loop, without queue, database or sandbox.

    python -m bench.peers.bare ARCHIVE HOME OUT [--processes 2]

Each process reads a file, does all that a decoder process does with its bytes, embeds faces in full
batches and classifies them. HOME holds the trained model; KAOLABEL_CASCADE names the cascade.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.peers.loop import run
from bench.peers.order import parser, read_order
from bench.peers.result import Found, named
from worker.settings import WorkerSettings

if TYPE_CHECKING:
    from bench.peers.order import Order
    from bench.peers.result import Box
    from worker.models.live import Model
    from worker.vision.detect import Detectors


class OwnLabeller:
    """kaolabel's stages in one process.

    Args:
        detectors: its chain, loaded.
        model: the active version.
    """

    def __init__(self, detectors: Detectors, model: Model) -> None:
        from worker.scoring import Scorer

        self._detectors = detectors
        self._model = model
        self._size = model.embedder.spec.size
        self._max_pixels = WorkerSettings().max_pixels
        self._scorer = Scorer(model)
        self._places: list[tuple[str, Box]] = []

    def warm_up(self) -> None:
        """Build the network."""
        size = self._size
        self._model.embedder.embed(np.zeros((1, size, size, 3), np.uint8))

    def add(self, path: str, data: bytes) -> None:
        """Take an image's bytes."""
        from worker.sandbox.look import look

        examined = look(
            data,
            self._detectors,
            whole=False,
            input_size=self._size,
            max_pixels=self._max_pixels,
        )
        boxes = (face.face.box for face in examined.faces)
        self._places += [(path, (box.x0, box.y0, box.x1, box.y1)) for box in boxes]
        self._scorer.add([face.pixels for face in examined.faces])

    def finish(self) -> list[Found]:
        """The faces of all images since the last time."""
        from worker.scoring import Scorer

        predictions = [prediction for _, prediction in self._scorer.finish()]
        found = [
            Found(path, box, named(prediction.label, unknown=prediction.unknown))
            for (path, box), prediction in zip(self._places, predictions, strict=True)
            if prediction is not None
        ]
        self._scorer, self._places = Scorer(self._model), []
        return found


def own_labeller(order: Order) -> OwnLabeller:
    """Load detectors and model as a worker does."""
    import cv2

    from db import schema
    from db.settings import DatabaseSettings
    from worker.configured import configured_chain
    from worker.models.live import load
    from worker.models.registry import require_active
    from worker.vision import detect

    cv2.setNumThreads(1)
    database = schema.connect(DatabaseSettings(home=order.home, database_url=None))
    version = require_active(database)
    database.close()
    chain = configured_chain(WorkerSettings(), order.home)
    return OwnLabeller(detect.build(chain), load(version, home=order.home))


if __name__ == "__main__":
    work = read_order(parser(__doc__).parse_args())
    run(work, own_labeller).write(work.out)
