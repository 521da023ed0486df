"""A drawn character: the traits that stay the same in every picture of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Hair:
    """Hair.

    Attributes:
        colour: a name of the palette `HAIR`.
        tips: a second name for two-toned hair, else the same name.
        cut: a name of `CUTS`: how the hair hangs at the back and the sides.
        fringe: a name of `FRINGES`.
        sides: how far the locks beside the face hang down, 0 for none.
        volume: how far the hair stands off the skull, 1 on average.
        length: how long the hanging parts are, 1 on average.
        flipped: whether fringe and cut are mirrored.
        sprout: whether a single lock stands up at the crown.
    """

    colour: str
    tips: str
    cut: str
    fringe: str
    sides: float
    volume: float
    length: float
    flipped: bool
    sprout: bool


@dataclass(frozen=True, slots=True)
class Eyes:
    """Eyes.

    Attributes:
        right: a name of the palette `EYES`, for the eye on the left of the picture.
        left: the same for the other eye; almost always the same name.
        shape: a name of `EYE_SHAPES`.
        size: 1 on average.
    """

    right: str
    left: str
    shape: str
    size: float


@dataclass(frozen=True, slots=True)
class Character:
    """Everything by which a character is recognized.

    Attributes:
        name: lower-case ASCII; the label.
        hair: hair.
        eyes: eyes.
        skin: a name of the palette `SKIN`.
        chin: how pointed the chin is, 0 round to 1 sharp.
        headwear: a name of `HEADWEAR`, or an empty string.
        ribbon: a name of `RIBBONS`, or an empty string.
        glasses: a name of `GLASSES`, or an empty string.
        accent: a name of the palette `CLOTH`: the colour of headwear, ribbon and glasses.
        mole: -1 left, 1 right of the picture, 0 none.
        fang: whether a tooth shows.
        freckles: whether there are freckles.
    """

    name: str
    hair: Hair
    eyes: Eyes
    skin: str
    chin: float
    headwear: str
    ribbon: str
    glasses: str
    accent: str
    mole: int
    fang: bool
    freckles: bool
