"""The two first scripts' steps, written anew: three passes over files, one image at a time.

    python -m bench.peers.seeds ARCHIVE HOME OUT --cascade FILE [--images 300]

First pass: find faces at full size (LBP, scale factor 1.1, five neighbours, from 24 pixels) and
write each as a file. Second pass: read them, resize them to 96x96, write them. Third pass: read
those and classify them one by one with Inception V3 whole, which is loaded once. One process, with
as many threads as its libraries like. The passes count as its steady time.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from bench.peers.inception import LABELS, SIDE, network, scaled
from bench.peers.order import parser, read_order
from bench.peers.plain import load_cascade
from bench.peers.result import Found, Result

if TYPE_CHECKING:
    from typing import Any

    from bench.peers.order import Order
    from bench.peers.result import Box

    # Each face by the file that it is written to.
    Faces = dict[Path, tuple[str, Box]]


def run(order: Order) -> Result:
    """Work through the three passes."""
    paths, classifier = order.paths(), load_cascade(order)
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        faces = write_faces(order, paths, classifier, Path(folder))
        resize_faces(faces)
        passes = time.monotonic() - started
        model = network(order.weights)
        # The first call traces the network, which belongs to the start as loading it does.
        model.predict_on_batch(np.zeros((1, SIDE, SIDE, 3), np.float32))
        started = time.monotonic()
        found = tuple(label_faces(faces, model))
        passes += time.monotonic() - started
    return Result(len(paths), passes, found)


def write_faces(
    order: Order, paths: list[str], classifier: cv2.CascadeClassifier, folder: Path
) -> Faces:
    """First pass: each face as a file."""
    faces: Faces = {}
    for path in paths:
        pixels = cv2.imread(str(order.archive / path))
        if pixels is None:
            continue
        grey = cv2.equalizeHist(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY))
        for box in classifier.detectMultiScale(grey, 1.1, 5, minSize=(24, 24)):
            x, y, width, height = (int(number) for number in box)
            file = folder / f"{len(faces)}.jpg"
            cv2.imwrite(str(file), pixels[y : y + height, x : x + width])
            faces[file] = (path, (x, y, x + width, y + height))
    return faces


def resize_faces(faces: Faces) -> None:
    """Second pass: every file to 96x96."""
    for file in faces:
        pixels = cv2.imread(str(file))
        small = cv2.resize(np.asarray(pixels), (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(file), small)


def label_faces(faces: Faces, model: Any) -> list[Found]:
    """Third pass: a label for each file."""
    found = []
    for file, (path, box) in faces.items():
        rgb = cv2.cvtColor(np.asarray(cv2.imread(str(file))), cv2.COLOR_BGR2RGB)
        shares = model.predict_on_batch(scaled(np.asarray(rgb, np.uint8))[np.newaxis])
        found.append(Found(path, box, LABELS[int(np.argmax(shares))]))
    return found


if __name__ == "__main__":
    work = read_order(parser(__doc__).parse_args())
    run(work).write(work.out)
