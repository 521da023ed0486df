"""The device that Keras computes on, as the library under it describes it.

Keras itself runs everything; only what it cannot tell is asked of TensorFlow, JAX or PyTorch.
"""

from __future__ import annotations

import functools
import importlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from db.logs.fields import fields
from worker.models.network import import_keras

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

# Larger ones are a twentieth faster a face, and lose as much by padding the last batch of a job.
CPU_BATCH = 16

# Above it a GPU gains nothing more, and a job's last batch would be mostly padding.
_MOST_BATCH = 512
# Of a GPU of which nothing more is known.
_CAREFUL_BATCH = 64
# Of the activations that are held at once, with room for the workspaces of convolutions; the two
# largest of Inception V3 that follow each other have 113 bytes in float32.
_BYTES_A_PIXEL = 512
# Others may use the same GPU, and a second network is loaded beside the first one in a hot swap.
_SHARE_OF_MEMORY = 4
# NVIDIA's Ampere is the first with matrix units for bfloat16.
_AMPERE = 8


@dataclass(frozen=True, slots=True)
class Device:
    """What Keras computes on.

    Attributes:
        name: of the card; `cpu` where there is none.
        is_gpu: whether it is a GPU.
        memory: bytes that the library may use of it, or None where it does not say.
        bfloat16: whether it multiplies matrices of bfloat16 faster than of float32.
    """

    name: str = "cpu"
    is_gpu: bool = False
    memory: int | None = None
    bfloat16: bool = False

    def batch(self, size: int) -> int:
        """Choose how many faces to embed at once.

        Args:
            size: width and height of a face in pixels.

        Returns:
            A power of two: 16 on a CPU, and on a GPU up to 512 of which the activations take no
            more than a quarter of the memory.
        """
        if not self.is_gpu:
            return CPU_BATCH
        if self.memory is None:
            return _CAREFUL_BATCH
        room = self.memory // (_SHARE_OF_MEMORY * _BYTES_A_PIXEL * size * size)
        return max(min(1 << max(room.bit_length() - 1, 0), _MOST_BATCH), 1)


@functools.cache
def current() -> Device:
    """Ask the library that Keras runs on for its first device; it is the one that Keras uses.

    Raises:
        UnavailableError: Keras or that library is not installed.
    """
    backend = import_keras().config.backend()
    ask = _ASKED.get(backend)
    found = Device() if ask is None else ask()
    logger.info("faces are embedded on %s", found.name, extra=fields(device=found.name, by=backend))
    return found


def make_deterministic() -> None:
    """Have the same operations give the same bits from here on, as far as the library can.

    There is no way back from it. JAX needs nothing on a CPU; on a GPU it reads its own switch,
    `XLA_FLAGS=--xla_gpu_deterministic_ops=true`, before it starts.
    """
    backend = import_keras().config.backend()
    if backend == "tensorflow":
        _library(backend).config.experimental.enable_op_determinism()
    elif backend == "torch":
        # A few gradients have no other way on a GPU; to warn of them would help nobody.
        _library(backend).use_deterministic_algorithms(mode=True, warn_only=True)


def _of_tensorflow() -> Device:
    tensorflow = _library("tensorflow")
    gpus = tensorflow.config.list_physical_devices("GPU")
    if not gpus:
        return Device()
    details = tensorflow.config.experimental.get_device_details(gpus[0])
    # TensorFlow has no other way to tell how much it may use.
    listed = _library("tensorflow.python.client.device_lib").list_local_devices()
    limits = [device.memory_limit for device in listed if device.device_type == "GPU"]
    major, _ = details.get("compute_capability", (0, 0))
    return Device(
        name=details.get("device_name", "gpu"),
        is_gpu=True,
        memory=next(iter(limits), None),
        bfloat16=major >= _AMPERE,
    )


def _of_jax() -> Device:
    device = _library("jax").local_devices()[0]
    if device.platform == "cpu":
        return Device()
    # Such as `9.0`; cards that are not NVIDIA's name theirs otherwise, or not at all.
    major, _, _ = str(getattr(device, "compute_capability", "")).partition(".")
    return Device(
        name=device.device_kind,
        is_gpu=True,
        memory=(device.memory_stats() or {}).get("bytes_limit"),
        bfloat16=major.isdigit() and int(major) >= _AMPERE,
    )


def _of_torch() -> Device:
    cuda = _library("torch").cuda
    if not cuda.is_available():
        return Device()
    card = cuda.get_device_properties(0)
    return Device(card.name, is_gpu=True, memory=card.total_memory, bfloat16=card.major >= _AMPERE)


def _library(name: str) -> Any:
    return importlib.import_module(name)


_ASKED: dict[str, Callable[[], Device]] = {
    "tensorflow": _of_tensorflow,
    "jax": _of_jax,
    "torch": _of_torch,
}
