"""How near the embedder comes to the limit of its device, and how many decoder cores feed it.

    python bench/gpu.py [--backbone seeded] [--taps mixed3+mixed5] [--batches 8,32] [--json FILE]
    KERAS_BACKEND=jax python bench/gpu.py

Runs on whatever device and library Keras runs on, a CPU included. In one run it measures

- the peak: the multiplications and additions a second of a large matrix product, in the type that
  the embedder computes in (bfloat16 where the GPU has it, else float32), beside what the data sheet
  of a known card says;
- for each size of batch, by turns in every round: embeddings a second of the embedder, from uint8
  faces in memory to float16 embeddings in memory, and of `model.predict` on the same layers,
  straight from `keras.applications` in float32. The share of the peak counts the operations of the
  convolutions up to the deepest tap, which are all but a hundredth of the network's;
- the steps a second of a fine-tuning;
- the faces a second of one decoder process, on drawn scenes of which half show nobody: with the
  best embedder's rate, they say how many decoder cores one device can feed on.

Rates are medians of the rounds, beside the lowest and highest. Nothing is left behind.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from training.drawn import cast, draw_scene
from training.finetuning.network import TunedNetwork, reproducible
from training.finetuning.tuning import FineTuning
from worker.configured import configured_chain, decoder_pool
from worker.models import backbone, device
from worker.models.network import fill, import_keras
from worker.settings import WorkerSettings
from worker.vision.embed import TRAINED_TAPS, Embedder, EmbedderSpec, parse_taps

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from worker.models.device import Device

# Dense bfloat16 with float32 sums, in 1e12 operations a second, from NVIDIA's data sheets; the
# first name that is part of the card's counts.
DATA_SHEETS = {
    "H200": 989.0,
    "H100 PCIe": 756.0,
    "H100": 989.0,
    "A100": 312.0,
    "L40S": 362.0,
    "L4": 121.0,
    "A10": 125.0,
    "RTX 4090": 165.0,
    "RTX 3090": 71.0,
}
CPU_BATCHES, GPU_BATCHES = (1, 8, 16, 32, 64), (32, 64, 128, 256, 512)
# Sides of the matrices: large enough for every core, and a second's work at most.
CPU_SIDE, GPU_SIDE = 2048, 8192
# What a measurement holds in memory at once, and what may wait for a device.
MOST_FACES, MOST_TIMES = 8192, 1000
# Width and height of a drawn scene in pixels.
SCENE = (1200, 750)


@dataclass(frozen=True, slots=True)
class Rate:
    """Something a second: the median of the rounds, and their lowest and highest."""

    median: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, rates: Sequence[float]) -> Rate:
        """Sum up the rounds."""
        return cls(statistics.median(rates), min(rates), max(rates))

    def __str__(self) -> str:
        return f"{self.median:12,.1f}  ({self.lowest:,.1f} to {self.highest:,.1f})"


@dataclass(frozen=True, slots=True)
class Batch:
    """One size of batch: embeddings a second of the embedder and of `model.predict`."""

    faces: int
    embedder: Rate
    predict: Rate


def main() -> None:
    """Measure and print."""
    options = arguments()
    found = device.current()
    tell(f"{import_keras().config.backend()} on {found.name}")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, found, home=Path(folder))
        report = bench.report()
    print_report(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--backbone", default=backbone.SEEDED, help="seeded, imagenet or a file")
    parser.add_argument("--taps", type=parse_taps, default=TRAINED_TAPS)
    parser.add_argument("--size", type=int, default=96, help="sides of a face in pixels")
    parser.add_argument("--batches", type=sizes, help="such as 8,32; by default by the device")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each measurement")
    parser.add_argument("--scenes", type=int, default=60, help="for the decoder")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def sizes(text: str) -> tuple[int, ...]:
    """Read sizes as people write them: `8,32`."""
    return tuple(int(part) for part in text.split(","))


@dataclass(frozen=True, slots=True)
class Bench:
    """What is measured, and on what."""

    options: argparse.Namespace
    device: Device
    home: Path

    def report(self) -> dict[str, Any]:
        """Measure everything; JSON values."""
        weights = backbone.obtain(self.options.backbone, home=self.home)
        spec = EmbedderSpec.of(weights, taps=self.options.taps, size=self.options.size)
        plain = plain_network(weights, spec)
        batches = [self._batch(size, spec, plain) for size in self._sizes()]
        best = max(batches, key=lambda batch: batch.embedder.median).embedder.median
        decoder = self._decoder()
        return {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "backend": import_keras().config.backend(),
            "device": asdict(self.device),
            "cores": len(os.sched_getaffinity(0)),
            "embedder": spec.id,
            "operations_per_face": operations(plain),
            "peak": self._peak(),
            "data_sheet": data_sheet(self.device),
            "batches": [asdict(batch) for batch in batches],
            "fine_tuning": asdict(self._fine_tuning(weights)),
            "decoder": decoder,
            "decoder_cores": best / decoder["faces_per_second"],
        }

    def _sizes(self) -> Sequence[int]:
        return self.options.batches or (GPU_BATCHES if self.device.is_gpu else CPU_BATCHES)

    def _peak(self) -> dict[str, Any]:
        """Operations a second of a matrix product; each multiplication comes with an addition."""
        keras = import_keras()
        kind = "bfloat16" if self.device.bfloat16 else "float32"
        side = GPU_SIDE if self.device.is_gpu else CPU_SIDE
        tell(f"peak of {kind} on matrices of {side} x {side}")
        values = np.random.default_rng(0).uniform(-1, 1, (side, side)).astype(np.float32)
        matrix = keras.ops.cast(keras.ops.convert_to_tensor(values), kind)

        def multiply(times: int) -> None:
            products = [keras.ops.matmul(matrix, matrix) for _ in range(times)]
            # A device works behind the back of the process that asks it, in order.
            keras.ops.convert_to_numpy(products[-1][:1, :1])

        rates = self._rounds([multiply])[0]
        return {"type": kind, **asdict(Rate.of([rate * 2 * side**3 for rate in rates]))}

    def _batch(self, size: int, spec: EmbedderSpec, plain: Any) -> Batch:
        """Embedder and `model.predict` by turns."""
        tell(f"batches of {size}")
        embedder = Embedder(spec, home=self.home, batch=size)
        faces = np.random.default_rng(0).integers(0, 256, (size, *plain.input_shape[1:]), np.uint8)

        def embed(times: int) -> None:
            embedder.embed(np.concatenate([faces] * times))

        def predict(times: int) -> None:
            pixels = np.concatenate([faces] * times) / np.float32(127.5) - np.float32(1)
            plain.predict(pixels, batch_size=size, verbose=0)

        ours, theirs = self._rounds([embed, predict], most=max(MOST_FACES // size, 1))
        return Batch(
            size,
            Rate.of([rate * size for rate in ours]),
            Rate.of([rate * size for rate in theirs]),
        )

    def _rounds(
        self, tasks: Sequence[Callable[[int], None]], *, most: int = MOST_TIMES
    ) -> list[list[float]]:
        """How often a second each task can be done, in every round; the tasks take turns."""
        times = [min(self._times(task), most) for task in tasks]
        rates: list[list[float]] = [[] for _ in tasks]
        for _ in range(self.options.rounds):
            for task, often, found in zip(tasks, times, rates, strict=True):
                started = time.perf_counter()
                task(often)
                found.append(often / (time.perf_counter() - started))
        return rates

    def _times(self, task: Callable[[int], None]) -> int:
        """How often a task fits into the seconds of a measurement; the first time warms it up."""
        task(1)
        started = time.perf_counter()
        task(2)
        once = (time.perf_counter() - started) / 2
        seconds: float = self.options.seconds
        return max(round(seconds / once), 1)

    def _fine_tuning(self, weights: backbone.Backbone) -> Rate:
        """Steps a second, of noise: what it learns does not matter here."""
        settings = FineTuning()
        tell(f"fine-tuning with batches of {settings.batch} at {settings.size} px")
        shape = (settings.batch, settings.size, settings.size, 3)
        faces = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        targets = np.arange(settings.batch) % 2
        with reproducible():
            tuned = TunedNetwork(weights.tensors, labels=2, settings=settings, steps=10_000)

            def learn(times: int) -> None:
                for _ in range(times):
                    tuned.learn(faces, targets)

            return Rate.of(self._rounds([learn])[0])

    def _decoder(self) -> dict[str, float]:
        """Images and faces a second of one decoder process."""
        count = self.options.scenes
        tell(f"one decoder on {count} drawn scenes")
        files = [scene(number) for number in range(count)]
        settings = WorkerSettings(decoders=1)
        with decoder_pool(settings, configured_chain(settings, self.home)) as pool:
            list(pool.examine(enumerate(files[:2])))
            started = time.perf_counter()
            found = [len(report.faces) for _, report in pool.examine(enumerate(files))]
            seconds = time.perf_counter() - started
        return {
            "images_per_second": count / seconds,
            "faces_per_image": sum(found) / count,
            "faces_per_second": sum(found) / seconds,
        }


def scene(number: int) -> bytes:
    """A drawn JPEG; every second one shows nobody, as in a mixed archive, and each fourth two."""
    rng = np.random.Generator(np.random.PCG64(number))
    people = cast(8, seed=1)[: (0, 1, 0, 2)[number % 4]]
    image = draw_scene(people, rng=rng, size=SCENE).image
    return cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()


def plain_network(weights: backbone.Backbone, spec: EmbedderSpec) -> Any:
    """The same layers as anybody would build them, from float32 in [-1, 1]."""
    keras = import_keras()
    whole = keras.applications.InceptionV3(
        include_top=False, weights=None, input_shape=(spec.size, spec.size, 3)
    )
    fill(whole, weights.tensors)
    pool = keras.layers.GlobalAveragePooling2D
    outputs = [pool()(whole.get_layer(tap).output) for tap in spec.taps]
    joined = outputs[0] if len(outputs) == 1 else keras.layers.Concatenate()(outputs)
    return keras.Model(whole.input, joined)


def operations(model: Any) -> int:
    """Multiplications and additions that the convolutions of a network do for one face."""
    convolutions = [layer for layer in model.layers if type(layer).__name__ == "Conv2D"]
    counts: list[int] = [
        2 * math.prod(layer.output.shape[1:3]) * math.prod(layer.kernel.shape)
        for layer in convolutions
    ]
    return sum(counts)


def data_sheet(found: Device) -> float | None:
    """Operations a second that the card is sold with; None for one that is not in the table."""
    named = (rate for name, rate in DATA_SHEETS.items() if name in found.name)
    rate = next(named, None)
    return None if rate is None else rate * 1e12


def print_report(report: dict[str, Any]) -> None:
    """Print the table."""
    peak, sheet, decoder = report["peak"], report["data_sheet"], report["decoder"]
    cost = report["operations_per_face"]
    print(f"{report['backend']} on {report['device']['name']}, {report['cores']} cores")
    print(f"{report['embedder']}: {cost / 1e9:.2f} billion operations a face")
    sold = "" if sheet is None else f"; its data sheet says {sheet / 1e12:,.0f}"
    print(f"peak of {peak['type']}: {peak['median'] / 1e12:,.2f} trillion operations/s{sold}\n")
    last = "" if sheet is None else f"{'of the sheet':>14}"
    print(f"{'batch':>5}  {'embeddings/s':<36}{'x predict':>11}{'of the peak':>13}{last}")
    for row in report["batches"]:
        ours, theirs = Rate(**row["embedder"]), Rate(**row["predict"])
        reached = ours.median * cost
        share = "" if sheet is None else f"{reached / sheet:>14.1%}"
        ratio = ours.median / theirs.median
        print(
            f"{row['faces']:>5}  {ours!s:<36}{ratio:>11.2f}{reached / peak['median']:>13.1%}{share}"
        )
    print(f"\nfine-tuning steps/s: {Rate(**report['fine_tuning'])!s}")
    print(
        f"one decoder core: {decoder['images_per_second']:.1f} images/s,"
        f" {decoder['faces_per_image']:.2f} faces an image; this device can feed on"
        f" {report['decoder_cores']:,.1f} such cores"
    )


def tell(what: str) -> None:
    """Say what is being measured."""
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
