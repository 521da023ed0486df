"""The device that Keras computes on."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from worker.models import device
from worker.models.device import CPU_BATCH, Device
from worker.models.network import import_keras

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

GIB = 1 << 30

# Saves what an embedder with untrained weights gives to two squares of noise, and tells which of
# the libraries under Keras it has loaded.
EMBED = """
import sys
from pathlib import Path
import numpy as np
from worker.models import backbone
from worker.vision.embed import Embedder, EmbedderSpec

weights = backbone.obtain("seeded", home=Path())
spec = EmbedderSpec.of(weights, taps=("mixed0",), size=75, flip=True)
faces = np.random.default_rng(0).integers(0, 256, (2, 75, 75, 3), np.uint8)
np.save(sys.argv[1], Embedder(spec, home=Path()).embed(faces))
print(sorted({"tensorflow", "jax", "torch"} & sys.modules.keys()))
"""


def test_a_cpu_has_a_small_batch() -> None:
    """Whatever it is told of memory, a CPU embeds the same number of faces at once."""
    assert Device().batch(96) == CPU_BATCH
    assert Device(memory=GIB).batch(139) == CPU_BATCH


@pytest.mark.parametrize(
    ("memory", "size", "batch"),
    [
        (None, 96, 64),
        (140 * GIB, 96, 512),
        (8 * GIB, 96, 256),
        (8 * GIB, 139, 128),
        (2 * GIB, 96, 64),
        (1, 512, 1),
    ],
)
def test_a_gpu_embeds_what_its_memory_holds(memory: int | None, size: int, batch: int) -> None:
    """More memory and smaller faces mean more faces at once, between bounds."""
    assert Device("card", is_gpu=True, memory=memory).batch(size) == batch


def test_the_library_says_what_is_here() -> None:
    """What Keras runs on is asked, and a GPU comes with its name."""
    found = device.current()
    assert found.is_gpu == (found.name != "cpu")
    assert found.is_gpu or not found.bfloat16


@pytest.mark.parametrize("library", ["jax", "torch"])
def test_another_library_gives_the_same_embeddings(library: str, tmp_path: Path) -> None:
    """JAX and PyTorch embed as TensorFlow does, to the rounding of float16, and without it."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed: pip install {library}")
    there = _embedded(tmp_path / "there.npy", library)
    here = _embedded(tmp_path / "here.npy", import_keras().config.backend())
    np.testing.assert_allclose(there, here, rtol=2e-3, atol=1e-5)


def _embedded(file: Path, library: str) -> NDArray[np.float16]:
    """What a process of its own embeds with a library, which must be the only one it loads."""
    environment = {**os.environ, "KERAS_BACKEND": library}
    command = [sys.executable, "-c", EMBED, str(file)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == [repr([library])], done.stderr
    embeddings: NDArray[np.float16] = np.load(file)
    return embeddings
