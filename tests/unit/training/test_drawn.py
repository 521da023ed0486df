"""Drawn characters: the same seed gives the same bytes, and detectors find what the truth says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import animeface
import cv2
import numpy as np
import pytest
from numpy.random import PCG64, Generator
from PIL import Image

from db.errors import UsageError
from db.records import Box
from training.drawn import cast, draw_face, draw_scene, write_archive, write_training_folder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from training.drawn import Scene

# Two boxes show the same face when they overlap this much.
_SAME = 0.4


def _rng(seed: int) -> Generator:
    return Generator(PCG64(seed))


def _overlap(first: Box, second: Box) -> float:
    width = min(first.x1, second.x1) - max(first.x0, second.x0)
    height = min(first.y1, second.y1) - max(first.y0, second.y0)
    shared = max(0, width) * max(0, height)
    return shared / (first.area + second.area - shared)


def _animeface(image: NDArray[np.uint8]) -> list[Box]:
    found = animeface.detect(Image.fromarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
    corners = [face.face.pos for face in found]
    return [Box(p.x, p.y, p.x + p.width, p.y + p.height) for p in corners]


def _lbp(image: NDArray[np.uint8], cascade: cv2.CascadeClassifier) -> list[Box]:
    grey = cv2.equalizeHist(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY))
    found = cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=3, minSize=(24, 24))
    return [Box(int(x), int(y), int(x + w), int(y + h)) for x, y, w, h in found]


def _portraits(count: int) -> list[Scene]:
    characters = cast(count, seed=21)
    return [draw_scene([one], rng=_rng(i), size=(400, 320)) for i, one in enumerate(characters)]


@pytest.fixture
def cascade() -> cv2.CascadeClassifier:
    """Return the LBP cascade of the development data."""
    data = Path(os.environ.get("KAOLABEL_DEV_DATA", Path(__file__).parents[4] / "shared"))
    path = data / "cascades" / "lbpcascade_animeface.xml"
    if not path.is_file():
        pytest.skip(f"no development data: {path} is missing")
    return cv2.CascadeClassifier(str(path))


def test_a_longer_cast_starts_with_the_shorter_one() -> None:
    """A cast of 20 begins with the cast of 8 of the same seed."""
    assert cast(20, seed=4)[:8] == cast(8, seed=4)


def test_another_seed_casts_others() -> None:
    """Two seeds give different characters."""
    assert cast(5, seed=1) != cast(5, seed=2)


def test_names_are_plain_and_unique() -> None:
    """Three hundred characters have three hundred lower-case ASCII names."""
    names = [character.name for character in cast(300, seed=0)]
    assert len(set(names)) == 300
    assert all(name.isascii() and name.islower() and name.isalpha() for name in names)


def test_characters_differ_in_more_than_their_names() -> None:
    """No two of three hundred characters share hair colour, cut, fringe and eye colour."""
    looks = [(c.hair.colour, c.hair.cut, c.hair.fringe, c.eyes.right) for c in cast(300, seed=0)]
    assert len(set(looks)) == 300


def test_the_same_seed_draws_the_same_bytes() -> None:
    """A scene is a function of its characters and its generator."""
    pair = cast(2, seed=3)
    first, second = (draw_scene(pair, rng=_rng(7)) for _ in range(2))
    assert first.faces == second.faces
    assert first.image.tobytes() == second.image.tobytes()


def test_pictures_of_one_character_differ() -> None:
    """One generator draws two different pictures of a character."""
    rng, one = _rng(1), cast(1, seed=3)[0]
    assert not np.array_equal(draw_face(one, rng=rng), draw_face(one, rng=rng))


def test_a_face_has_the_size_that_was_asked_for() -> None:
    """A drawn face is a square BGR picture of 8 bits."""
    face = draw_face(cast(1, seed=3)[0], rng=_rng(1), size=80)
    assert face.shape == (80, 80, 3)
    assert face.dtype == np.uint8


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (333, 517)])
def test_a_scene_has_the_size_that_was_asked_for(size: tuple[int, int]) -> None:
    """A scene is as wide and as high as asked, and its boxes lie within it."""
    scene = draw_scene(cast(2, seed=5), rng=_rng(2), size=size)
    assert scene.image.shape == (size[1], size[0], 3)
    assert all(face.box.x1 <= size[0] and face.box.y1 <= size[1] for face in scene.faces)


def test_faces_of_one_scene_stay_apart() -> None:
    """In scenes of three characters no face hides another."""
    characters = cast(3, seed=6)
    for seed in range(20):
        first, second, third = (f.box for f in draw_scene(characters, rng=_rng(seed)).faces)
        assert max(_overlap(first, second), _overlap(second, third)) < 0.05


def test_too_many_characters_are_refused() -> None:
    """A picture too narrow for its characters says so."""
    with pytest.raises(UsageError, match="do not fit"):
        draw_scene(cast(9, seed=1), rng=_rng(1))


def test_animeface_finds_drawn_faces_where_they_are() -> None:
    """The detector of the package index finds at least 19 of 20 faces in their boxes."""
    found = [
        any(_overlap(box, scene.faces[0].box) > _SAME for box in _animeface(scene.image))
        for scene in _portraits(20)
    ]
    assert sum(found) >= 19


def test_the_cascade_finds_drawn_faces_where_they_are(cascade: cv2.CascadeClassifier) -> None:
    """The LBP cascade finds at least 38 of 40 faces in their boxes."""
    found = [
        any(_overlap(box, scene.faces[0].box) > _SAME for box in _lbp(scene.image, cascade))
        for scene in _portraits(40)
    ]
    assert sum(found) >= 38


def test_scenes_without_characters_show_no_face() -> None:
    """The detector of the package index finds nothing in landscapes and still lifes."""
    scenes = [draw_scene([], rng=_rng(seed), size=(400, 300)) for seed in range(15)]
    assert all(scene.faces == () for scene in scenes)
    assert [box for scene in scenes for box in _animeface(scene.image)] == []


def test_a_training_folder_holds_a_folder_for_each_label(tmp_path: Path) -> None:
    """Every character gets its own folder with as many pictures as asked."""
    characters, told = cast(2, seed=8), list[int]()
    write_training_folder(tmp_path, characters, per_label=2, seed=1, progress=told.append)
    expected = [f"{c.name}/{n:02d}.png" for c in characters for n in range(2)]
    assert sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*.png")) == sorted(
        expected
    )
    assert told == [1, 2, 3, 4]


def test_the_truth_of_an_archive_lists_its_files(tmp_path: Path) -> None:
    """Each file of an archive is in the truth once, can be read, and holds its boxes."""
    characters = cast(6, seed=9)
    truth = write_archive(tmp_path, characters[:4], characters[4:], scenes=24, seed=2)
    files = sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file())
    assert sorted(entry.path for entry in truth) == files
    for entry in truth:
        data = np.frombuffer((tmp_path / entry.path).read_bytes(), dtype=np.uint8)
        image = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert image is not None
        assert all(face.box.x1 <= image.shape[1] for face in entry.faces)


def test_an_archive_mixes_what_it_shows(tmp_path: Path) -> None:
    """An archive has scenes with no, one and several faces, and strangers among them."""
    characters = cast(6, seed=9)
    truth = write_archive(tmp_path, characters[:4], characters[4:], scenes=40, seed=3)
    assert {min(2, len(entry.faces)) for entry in truth} == {0, 1, 2}
    shown = {face.character for entry in truth for face in entry.faces}
    assert shown & {c.name for c in characters[4:]}


def test_an_archive_is_written_the_same_twice(tmp_path: Path) -> None:
    """The same seed writes the same truth and the same bytes."""
    characters = cast(3, seed=9)
    truths = [
        write_archive(tmp_path / name, characters, (), scenes=5, seed=2) for name in ("a", "b")
    ]
    assert truths[0] == truths[1]
    for entry in truths[0]:
        assert (tmp_path / "a" / entry.path).read_bytes() == (
            tmp_path / "b" / entry.path
        ).read_bytes()


def test_an_archive_of_nobody_is_refused(tmp_path: Path) -> None:
    """Without characters there is nothing to write, and the message says what to do."""
    with pytest.raises(UsageError, match="cast some first"):
        write_archive(tmp_path, (), (), scenes=3, seed=1)
