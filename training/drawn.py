"""Drawn characters: labelled pictures of anime-like faces, from a seed.

They need no licence and no download, so the demo and the tests live on them. A character keeps
hair, eyes, skin and what it wears on its head; pose, mood, clothes, light and backdrop change
from picture to picture. The same seed gives the same bytes.

    characters = cast(8, seed=1)
    scene = draw_scene(characters[:1], rng=Generator(PCG64(2)))
    scene.image          # (480, 640, 3) uint8, BGR
    scene.faces[0].box   # where the face is, scene.faces[0].character who it is

Where thousands of characters and millions of faces are wanted, as for pretraining a backbone, all
of them are drawn at once, as rows of arrays, in many more styles.

    rng = Generator(PCG64(3))
    crowd = cast_characters(1000, rng)
    some = rng.integers(1000, size=256)
    draw_portraits(crowd.take(some), look(256, rng), rng)   # (256, 96, 96, 3) uint8, BGR
"""

from __future__ import annotations

from training.drawing.cast import cast
from training.drawing.character import Character, Eyes, Hair
from training.drawing.folders import DrawnFile, write_archive, write_training_folder
from training.drawing.scene import DrawnFace, Scene, draw_face, draw_scene
from training.portraits.character import cast_characters
from training.portraits.contact import write_contact_sheet
from training.portraits.portrait import draw_portraits
from training.portraits.view import look

__all__ = [
    "Character",
    "DrawnFace",
    "DrawnFile",
    "Eyes",
    "Hair",
    "Scene",
    "cast",
    "cast_characters",
    "draw_face",
    "draw_portraits",
    "draw_scene",
    "look",
    "write_archive",
    "write_contact_sheet",
    "write_training_folder",
]
