"""What the command cannot do ends in one clear line and an exit code, never in a traceback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from tests.drawing import face_png, png
from tests.homes import HOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Exit codes, as the command documents them.
FAILED, USAGE, UNAVAILABLE, DETECTOR, MODEL = 1, 2, 3, 4, 5

SECRET = "sesame"  # noqa: S105  # a word to look for in what is printed

# Root may read everything, and so may its children unless these are taken from them.
UNPRIVILEGED = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


@dataclass(frozen=True, slots=True)
class Scene:
    """A folder full of bad input, from which commands are started, and a trained home."""

    folder: Path
    trained: Path


def command(
    scene: Scene,
    home: Path,
    *arguments: str | bytes,
    prefix: tuple[str, ...] = (),
    settings: Mapping[str, str] | None = None,
) -> subprocess.Popen[str]:
    """Start the command in the scene's folder, with no settings but these."""
    scrubbed = {name: value for name, value in os.environ.items() if "KAOLABEL" not in name}
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "kaolabel", *arguments],
        cwd=scene.folder,
        env={
            **scrubbed,
            "KAOLABEL_HOME": str(home),
            **HOMES.settings(home),
            **(settings or {}),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal(process: subprocess.Popen[str], *, code: int) -> str:
    """The one line that a command fails with, after its name; it prints nothing else."""
    out, err = process.communicate(timeout=120)
    assert "Traceback" not in err, err
    assert out == ""
    assert [line[:10] for line in err.splitlines()] == ["kaolabel: "], err
    assert process.returncode == code, err
    return err.removeprefix("kaolabel: ")


def draw_labels(folder: Path, **counts: int) -> None:
    """A folder of plain squares for each label, so many of each."""
    rng = np.random.default_rng(0)
    for place, (label, count) in enumerate(counts.items()):
        (folder / label).mkdir(parents=True)
        for number in range(count):
            square = np.full((96, 96, 3), (60 + 90 * place, 80, 200 - 90 * place), np.uint8)
            square[:48] = rng.integers(0, 60, (48, 96, 3))
            (folder / label / f"{number}.png").write_bytes(png(square))


def write_backbones(folder: Path) -> None:
    """Files that hold no weights of Inception V3, in every format that a backbone may have."""
    for name in ("wrong.h5", "wrong.weights.h5"):
        with h5py.File(folder / name, "w") as file:
            file["x"] = np.zeros((3, 3))
    (folder / "empty.weights.h5").touch()
    (folder / "empty.safetensors").touch()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Every bad input, beside a few good ones."""
    folder = tmp_path_factory.mktemp("scene")
    (folder / "empty").mkdir()
    (folder / "file").write_text("some text\n")
    (folder / "archive").mkdir()
    (folder / "archive" / "face.png").write_bytes(face_png())
    draw_labels(folder / "good", Aqua=4, Megumin=4)
    draw_labels(folder / "one", Aqua=4)
    draw_labels(folder / "lone", Aqua=4, Kazuma=1)
    for label in "ab":
        (folder / "texts" / label).mkdir(parents=True)
        for number in range(3):
            (folder / "texts" / label / f"{number}.png").write_text(f"{label} {number}")
    write_backbones(folder)
    scene = Scene(folder, folder / "trained")
    train = command(scene, scene.trained, "train", "good", "--crops", "--backbone", "seeded")
    assert train.communicate(timeout=120)[1] == ""
    assert train.returncode == 0
    return scene


@pytest.fixture
def trained(scene: Scene, tmp_path: Path) -> Path:
    """A home with an active model, of the test's own."""
    return HOMES.copy(scene.trained, tmp_path / "trained")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("label missing --detect-only", "there is no folder"),
        ("label empty --detect-only", "empty is empty"),
        ("label file --detect-only", "file is a file; give the folder"),
        ("label archive", "no active model: train one with `kaolabel train DIR`"),
        ("evaluate good", "no active model: train one with `kaolabel train DIR`"),
        ("classify archive/face.png", "no active model: train one with `kaolabel train DIR`"),
        ("resume", "there is nothing to resume"),
        ("resume 7", "there is no run 7; `kaolabel status` lists them"),
        ("report 99", "there is no run 99; `kaolabel status` lists them"),
        ("worker", "a worker needs a broker: set KAOLABEL_BROKER_URL"),
        ("demo --out file", "file is a file; give the demo a folder of its own"),
        ("label --nonsense", "No such option: --nonsense; try `kaolabel label --help`"),
        ("label", "Missing argument 'archive'; try `kaolabel label --help`"),
        ("worker --device tpu", "'tpu' is not one of 'cpu', 'gpu', 'auto'"),
        ("nonsense", "No such command 'nonsense'; try `kaolabel --help`"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    scene: Scene, home: Path, arguments: str, said: str
) -> None:
    """Wrong arguments, folders and orders are named, with what to do instead."""
    assert said in refusal(command(scene, home, *arguments.split()), code=USAGE)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("missing", USAGE, "missing does not exist; give a folder that holds a folder of images"),
        ("file", USAGE, "file is a file, not a folder; give a folder"),
        ("empty", USAGE, "empty holds no folders; put the images of each label in one"),
        ("one", USAGE, "only the label 'Aqua' has two faces or more"),
        ("lone", USAGE, "the label 'Kazuma' has 1 image(s) and needs 2; add images to lone/Kazuma"),
        ("texts", USAGE, "only 0 of the 6 images in texts can be learned from (6 not_an_image)"),
        ("good --taps nonsense", USAGE, "'nonsense' is no layer that can be tapped; give some of"),
        (
            "good --backbone nonsense",
            MODEL,
            "there is no backbone file nonsense; give `drawn`",
        ),
        (
            "good --backbone empty",
            MODEL,
            "there is no backbone file empty; give `drawn`",
        ),
        ("good --backbone empty.safetensors", MODEL, "empty.safetensors cannot be read"),
    ],
)
def test_what_cannot_be_learned_from_is_refused_in_one_line(
    scene: Scene, home: Path, arguments: str, code: int, said: str
) -> None:
    """Folders that hold too little, and backbones that are none, are named with the reason."""
    backbone = () if "--backbone" in arguments else ("--backbone", "seeded")
    train = command(scene, home, "train", *arguments.split(), "--crops", *backbone)
    assert said in refusal(train, code=code)
    assert not (home / "models").exists()


def test_weights_of_another_network_are_refused_in_one_line(scene: Scene, home: Path) -> None:
    """Keras files of the wrong shape, and empty ones, are named, without what Keras says."""
    names = ("wrong.h5", "wrong.weights.h5", "empty.weights.h5")
    # All at a time, as each loads TensorFlow.
    trains = [
        command(scene, home / name, "train", "good", "--crops", "--backbone", name)
        for name in names
    ]
    for name, train in zip(names, trains, strict=True):
        line = refusal(train, code=MODEL)
        assert line.startswith(f"{name} does not hold weights for keras.applications.InceptionV3")
        assert "choose another file, or `--backbone drawn`" in line


@pytest.mark.parametrize(
    ("setting", "value", "code", "said"),
    [
        ("DECODERS", "abc", USAGE, "KAOLABEL_DECODERS is set to 'abc'"),
        ("HOME", "file", USAGE, "KAOLABEL_HOME file cannot be used: File exists; set it to"),
        ("HOME", "file/sub", USAGE, "KAOLABEL_HOME file/sub cannot be used: Not a directory"),
        ("CASCADE", "missing.xml", DETECTOR, "there is no cascade 'missing.xml': give the path"),
        ("CASCADE", "file", DETECTOR, "'file' is no OpenCV cascade: give the XML file of one"),
        ("CASCADE", "haarcascade_eye", DETECTOR, "finds no face in drawings of one"),
        ("DATABASE_URL", "nonsense", USAGE, "KAOLABEL_DATABASE_URL is no database URL: write"),
        ("DATABASE_URL", f"mysql://me:{SECRET}@h/x", USAGE, "keeps its data in sqlite or postgres"),
        ("DATABASE_URL", f"postgresql://me:{SECRET}@h:x/y", USAGE, "special characters of the"),
        ("DATABASE_URL", f"postgresql://me:{SECRET}@127.0.0.1:1/x", UNAVAILABLE, "me:***@127.0"),
        ("DATABASE_URL", "sqlite:////no/such/x.db", UNAVAILABLE, "unable to open database file"),
        ("DATABASE_URL", "sqlite:///file", UNAVAILABLE, "file is not a database"),
        (
            "BROKER_URL",
            f"amqp://me:{SECRET}@h/0",
            USAGE,
            "BROKER_URL is no redis:// or rediss:// URL",
        ),
        ("BROKER_URL", f"redis://:{SECRET}@h:x/0", USAGE, "KAOLABEL_BROKER_URL cannot be read"),
        ("BROKER_URL", f"redis://:{SECRET}@127.0.0.1:1/0", UNAVAILABLE, "start Redis there, or"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_one_line(
    scene: Scene, home: Path, setting: str, value: str, code: int, said: str
) -> None:
    """Each bad setting is named, and passwords are not shown."""
    settings = {f"KAOLABEL_{setting}": value}
    line = refusal(
        command(scene, home, "label", "archive", "--detect-only", settings=settings), code=code
    )
    assert said in line
    assert SECRET not in line


@pytest.mark.parametrize("name", ["redis", "logs"])
def test_a_file_in_the_way_is_refused_in_one_line(scene: Scene, home: Path, name: str) -> None:
    """A file where kaolabel makes a folder below its home is named."""
    home.mkdir(mode=0o700)
    (home / name).touch()
    line = refusal(command(scene, home, "label", "archive", "--detect-only"), code=FAILED)
    assert str(home / name) in line


def test_a_folder_without_permission_is_refused_in_one_line(
    scene: Scene, home: Path, tmp_path: Path
) -> None:
    """An archive that may not be listed, and a home that may not be written, are named."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root may read everything, and there is no setpriv to change that")
    prefix = UNPRIVILEGED if os.geteuid() == 0 else ()
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o000)
    label = command(scene, home, "label", str(locked), "--detect-only", prefix=prefix)
    assert f"{locked} may not be read by this user" in refusal(label, code=USAGE)
    train = command(scene, home, "train", str(locked), "--backbone", "seeded", prefix=prefix)
    assert f"{locked} cannot be listed" in refusal(train, code=USAGE)
    status = command(scene, locked / "home", "status", prefix=prefix)
    assert "cannot be used: Permission denied" in refusal(status, code=USAGE)
    locked.chmod(0o700)


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("arguments", "file", "spoil"),
    [
        ("classify archive/face.png", "head.safetensors", _flip),
        ("evaluate good --crops", "head.safetensors", _flip),
        ("label archive", "head.safetensors", _flip),
        ("label archive", "head.safetensors", Path.unlink),
        ("classify archive/face.png", "manifest.json", _empty),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(
    scene: Scene, trained: Path, arguments: str, file: str, spoil: Callable[[Path], None]
) -> None:
    """A flipped bit, a missing file and an empty file are found before anything is done."""
    (path,) = (trained / "models").glob(f"*/{file}")
    spoil(path)
    line = refusal(command(scene, trained, *arguments.split()), code=MODEL)
    assert str(path.parent) in line
    assert "train again with `kaolabel train`" in line


@pytest.mark.parametrize("folder", ["missing", "file", "empty"])
def test_a_folder_that_cannot_be_evaluated_is_refused_in_one_line(
    scene: Scene, trained: Path, folder: str
) -> None:
    """With a model at hand, the folder is what is wrong, and it is named."""
    line = refusal(command(scene, trained, "evaluate", folder), code=USAGE)
    assert line.startswith(folder)


def test_classify_names_every_file_whatever_it_is_called(scene: Scene, trained: Path) -> None:
    """Missing files are rows and exit code 1; brackets and bytes that are not UTF-8 are kept."""
    odd = b"odd \xff [bold].png"
    (scene.folder / os.fsdecode(odd)).write_bytes(face_png(1))
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    files = command(scene, trained, "classify", "missing.png", odd, "--json", settings=strict)
    table = command(scene, trained, "classify", odd, settings=strict)
    out, err = files.communicate(timeout=120)
    assert (files.returncode, err) == (FAILED, "")
    missing, found = json.loads(out)["files"]
    assert (missing["path"], missing["reason"]) == ("missing.png", "vanished")
    assert (os.fsencode(found["path"]), found["outcome"]) == (odd, "faces")
    out, err = table.communicate(timeout=120)
    assert (table.returncode, err) == (0, "")
    assert r"odd \udcff [bold].png" in out
