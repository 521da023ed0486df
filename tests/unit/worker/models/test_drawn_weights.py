"""The weights that come with kaolabel, and the format of their file."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from db.errors import ModelError
from worker.models import backbone, drawn, seeded, tensors
from worker.models.drawn import About
from worker.vision.embed import DRAWN_TAPS, EmbedderSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from worker.models.network import Tensors

# In the names of tensors the ones below mixed3 come first, and those of its branches after them.
BELOW, ABOVE = "conv2d_07/kernel", "conv2d_90/kernel"
DEEPEST = "mixed3"


@pytest.fixture(scope="module")
def given() -> Tensors:
    """Weights that are not seeded ones, in no layer."""
    rng = np.random.default_rng(0)
    return {
        name: (values * 3 + rng.random(values.shape, np.float32)).astype(np.float32)
        for name, values in seeded.generate().items()
    }


@pytest.fixture(scope="module")
def file(given: Tensors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The weights as they could have come with kaolabel; nobody may change it."""
    path = tmp_path_factory.mktemp("weights") / "drawn.safetensors"
    drawn.save(given, path, deepest=DEEPEST, encoding="int8")
    return path


@pytest.mark.parametrize(("encoding", "step"), [("int8", 1 / 254), ("float16", 2**-12)])
def test_kernels_are_rounded_by_channel(
    given: Tensors, tmp_path: Path, encoding: str, step: float
) -> None:
    """Each weight is off by half a step of its output channel's largest one at most."""
    path = tmp_path / "drawn.safetensors"
    about = drawn.save(given, path, deepest=DEEPEST, encoding=encoding)
    loaded = drawn.load(path)
    assert about == drawn.identify(path) == About(tensors.digest(loaded), DEEPEST, encoding)
    largest = np.abs(given[BELOW]).max(axis=(0, 1, 2))
    assert np.all(np.abs(loaded[BELOW] - given[BELOW]) <= largest * step * 1.001)
    assert np.any(loaded[BELOW] != given[BELOW])


def test_all_but_kernels_is_kept_as_it_is(given: Tensors, file: Path) -> None:
    """What batch normalization knows comes back to the bit."""
    loaded = drawn.load(file)
    for name in ("beta", "moving_mean", "moving_variance"):
        whole = f"batchnormalization_07/{name}"
        assert np.array_equal(loaded[whole], given[whole])


def test_layers_above_the_deepest_are_seeded(given: Tensors, file: Path) -> None:
    """The file lacks them, and they come back untrained: the weights are complete."""
    loaded, untrained = drawn.load(file), seeded.generate()
    assert loaded.keys() == given.keys()
    assert np.array_equal(loaded[ABOVE], untrained[ABOVE])
    assert not np.array_equal(loaded[BELOW], untrained[BELOW])


def test_a_file_is_small_and_the_same_each_time(given: Tensors, file: Path, tmp_path: Path) -> None:
    """One byte a weight, and no chance in it."""
    again = tmp_path / "again.safetensors"
    drawn.save(given, again, deepest=DEEPEST, encoding="int8")
    assert again.read_bytes() == file.read_bytes()
    assert again.stat().st_mode & 0o777 == 0o644
    assert 2_000_000 < again.stat().st_size < 2_400_000


def test_a_channel_of_zeros_stays_one(given: Tensors, tmp_path: Path) -> None:
    """Nothing is divided by zero."""
    kernel = given[BELOW].copy()
    kernel[..., 0] = 0
    drawn.save({**given, BELOW: kernel}, tmp_path / "it", deepest=DEEPEST, encoding="int8")
    loaded = drawn.load(tmp_path / "it")[BELOW]
    assert not loaded[..., 0].any()
    assert loaded[..., 1].any()


def test_half_a_network_is_not_saved(given: Tensors, tmp_path: Path) -> None:
    """Weights of which some are missing are refused, and nothing is written."""
    half = dict(list(given.items())[:10])
    with pytest.raises(ModelError, match="not those of Inception V3"):
        drawn.save(half, tmp_path / "it", deepest=DEEPEST, encoding="int8")
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_saved(given: Tensors, tmp_path: Path) -> None:
    """A training that went wrong is not shipped."""
    broken = {**given, BELOW: given[BELOW] * np.float32(np.nan)}
    with pytest.raises(ModelError, match="not finite"):
        drawn.save(broken, tmp_path / "it", deepest=DEEPEST, encoding="int8")


@pytest.mark.parametrize("wrong", [{"encoding": "int4"}, {"deepest": "mixed77"}])
def test_layer_and_encoding_must_be_known(
    given: Tensors, tmp_path: Path, wrong: dict[str, str]
) -> None:
    """There is no way to write what nothing can read."""
    options = {"deepest": DEEPEST, "encoding": "int8", **wrong}
    with pytest.raises(ValueError, match=r"int4|mixed77"):
        drawn.save(given, tmp_path / "it", **options)


def remove(path: Path) -> None:
    """The package was cleaned up too well."""
    path.unlink()


def cut_off(path: Path) -> None:
    """The disk was full."""
    path.write_bytes(path.read_bytes()[:-1000])


def flip_a_bit(path: Path) -> None:
    """One of all the weights is another one."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def rewrite(path: Path, about: str | None, **changes: Any) -> None:
    """Write the file again with another header, or other tensors; None drops one."""
    held = tensors.load(path, limit=1 << 30, dtypes=[np.dtype(t) for t in ("f4", "i1")])
    kept = {name: values for name, values in (held | changes).items() if values is not None}
    tensors.save(kept, path, about=about)


def say_nothing(path: Path) -> None:
    """The header is some other program's."""
    rewrite(path, None)


def say_no_object(path: Path) -> None:
    """The header is not what it should be."""
    rewrite(path, "[1, 2, 3]")


def come_from_the_future(path: Path) -> None:
    """The format is one that this kaolabel does not know."""
    rewrite(path, json.dumps(asdict(replace(drawn.identify(path), format=2))))


def lose_a_scale(path: Path) -> None:
    """A kernel is there, and what it is to be multiplied with is not."""
    rewrite(path, tensors.read_about(path), **{"conv2d_07/scale": None})


def get_a_wrong_scale(path: Path) -> None:
    """There are more numbers than output channels."""
    odd = np.ones(1000, np.float32)
    rewrite(path, tensors.read_about(path), **{"conv2d_07/scale": odd})


def hold_too_much(path: Path) -> None:
    """There is a tensor that no layer has."""
    rewrite(path, tensors.read_about(path), **{"conv2d_99/bias": np.ones(3, np.float32)})


@pytest.mark.parametrize(
    "harm",
    [
        remove,
        cut_off,
        flip_a_bit,
        say_nothing,
        say_no_object,
        come_from_the_future,
        lose_a_scale,
        get_a_wrong_scale,
        hold_too_much,
    ],
)
def test_a_damaged_file_is_a_model_error(
    file: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """Whatever has happened to it, one line says what to do."""
    path = tmp_path / "drawn.safetensors"
    path.write_bytes(file.read_bytes())
    harm(path)
    with pytest.raises(ModelError, match=r"drawn\.safetensors does not hold the weights") as raised:
        drawn.load(path)
    assert "\n" not in str(raised.value)


def test_a_damaged_package_is_to_be_installed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is kaolabel's own file, there is no other one to choose."""
    monkeypatch.setattr(drawn, "SHIPPED", tmp_path / "drawn.safetensors")
    with pytest.raises(ModelError, match=r"drawn\.safetensors; install it again$"):
        drawn.identify(drawn.SHIPPED)


def test_the_file_of_a_pretraining_is_a_backbone(file: Path, tmp_path: Path) -> None:
    """`--backbone FILE` takes what a pretraining writes."""
    obtained = backbone.obtain(str(file), home=tmp_path)
    assert (obtained.source, obtained.sha256) == ("file", drawn.identify(file).sha256)


@pytest.fixture(scope="module")
def shipped() -> Tensors:
    """The weights that really come with kaolabel."""
    return drawn.load()


def test_what_is_shipped_is_whole(shipped: Tensors) -> None:
    """It has the hash that it says, the layers that are tapped, and was trained."""
    about, untrained = drawn.identify(), seeded.generate()
    assert tensors.digest(shipped) == about.sha256
    assert int(about.deepest.removeprefix("mixed")) >= max(
        int(tap.removeprefix("mixed")) for tap in DRAWN_TAPS
    )
    assert not np.array_equal(shipped["conv2d_00/kernel"], untrained["conv2d_00/kernel"])
    assert drawn.SHIPPED.stat().st_size < 12_000_000


def test_drawn_weights_are_kept_for_other_releases(shipped: Tensors, tmp_path: Path) -> None:
    """What a model was trained with is in kaolabel's folder, whatever comes with the next one."""
    obtained = backbone.obtain("drawn", home=tmp_path)
    assert (obtained.source, obtained.sha256) == ("drawn", tensors.digest(shipped))
    stored = tensors.load(backbone.stored_path(obtained.sha256, home=tmp_path), limit=1 << 30)
    assert tensors.digest(stored) == obtained.sha256
    assert EmbedderSpec.of(obtained).taps == DRAWN_TAPS


def test_drawn_weights_need_no_copy(tmp_path: Path) -> None:
    """A worker without the trainer's folder has them from its own kaolabel."""
    sha256 = drawn.identify().sha256
    loaded = backbone.load("drawn", sha256, home=tmp_path)
    assert (loaded.source, loaded.sha256) == ("drawn", sha256)
    assert not list(tmp_path.iterdir())


def test_drawn_weights_of_another_release_are_copied(given: Tensors, tmp_path: Path) -> None:
    """A worker that has others is told which file to copy, and then uses it."""
    sha256 = tensors.digest(given)
    with pytest.raises(ModelError, match="copy that file"):
        backbone.load("drawn", sha256, home=tmp_path)
    tensors.save(given, backbone.stored_path(sha256, home=tmp_path))
    assert backbone.load("drawn", sha256, home=tmp_path).sha256 == sha256
