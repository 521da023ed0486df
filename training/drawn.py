"""Drawn characters: labelled pictures of anime-like faces, from a seed.

They need no licence and no download, so the demo and the tests live on them. A character keeps
hair, eyes, skin and what it wears on its head; pose, mood, clothes, light and backdrop change
from picture to picture. The same seed gives the same bytes.

    characters = cast(8, seed=1)
    scene = draw_scene(characters[:1], rng=Generator(PCG64(2)))
    scene.image          # (480, 640, 3) uint8, BGR
    scene.faces[0].box   # where the face is, scene.faces[0].character who it is
"""

from __future__ import annotations

from training.drawing.cast import cast
from training.drawing.character import Character, Eyes, Hair
from training.drawing.folders import DrawnFile, write_archive, write_training_folder
from training.drawing.scene import DrawnFace, Scene, draw_face, draw_scene

__all__ = [
    "Character",
    "DrawnFace",
    "DrawnFile",
    "Eyes",
    "Hair",
    "Scene",
    "cast",
    "draw_face",
    "draw_scene",
    "write_archive",
    "write_training_folder",
]
