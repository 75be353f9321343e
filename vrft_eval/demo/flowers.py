"""Generated images of flowers: sixteen invented species that differ in petals, shape and colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from vrft_eval.demo.scenes import IMAGE_SIZE, background

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Genus:
    """How the flowers of a genus are built: number of petals, their shape, their width relative to their length."""

    name: str
    petals: int
    shape: str
    width: float


GENERA = (
    Genus("crosswort", 4, "round", 0.42),
    Genus("starflower", 5, "pointed", 0.38),
    Genus("mallow", 5, "round", 0.44),
    Genus("sunray", 12, "narrow", 0.14),
)
COLOURS: dict[str, tuple[Colour, Colour]] = {  # petals, centre
    "crimson": ((200, 36, 62), (240, 214, 84)),
    "golden": ((240, 190, 40), (112, 66, 30)),
    "azure": ((64, 132, 226), (244, 240, 226)),
    "ivory": ((240, 236, 220), (236, 150, 40)),
}
SPECIES = tuple(f"{colour} {genus.name}" for genus in GENERA for colour in COLOURS)


@dataclass(frozen=True)
class Flower:
    """An image of 112 x 112 pixels, the species in it, and the features that tell it from the others."""

    image: Image.Image
    species: str
    features: str


def make_flower(seed: int) -> Flower:
    """Draw the flower of this seed: any species, at any turn, with its centre and size varied.

    >>> make_flower(0).species in SPECIES
    True
    """
    rng = np.random.default_rng(seed)
    genus = GENERA[int(rng.integers(len(GENERA)))]
    colour = list(COLOURS)[int(rng.integers(len(COLOURS)))]
    petal, centre = COLOURS[colour]
    length = float(rng.uniform(30, 48))
    x, y = (IMAGE_SIZE / 2 + float(rng.uniform(-1, 1)) * (IMAGE_SIZE / 2 - length - 2) for _ in range(2))
    turn = float(rng.uniform(0, 2 * math.pi))
    canvas = Image.fromarray(background(rng, (40, 96, 34), (50, 20, 40)))
    draw = ImageDraw.Draw(canvas)
    shades = [_shade(petal, rng) for _ in range(genus.petals)]
    for k, shade in enumerate(shades):
        angle = turn + 2 * math.pi * k / genus.petals
        outline = _petal(genus, length, angle, (x, y))
        draw.polygon(outline, fill=shade, outline=_darker(shade))
    radius = length * 0.2
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=_shade(centre, rng))
    return Flower(canvas, f"{colour} {genus.name}", f"{genus.petals} {genus.shape} {colour} petals")


def _petal(genus: Genus, length: float, angle: float, centre: tuple[float, float]) -> list[tuple[float, float]]:
    """The outline of one petal that starts at the centre and points along `angle`."""
    points = []
    for t in np.linspace(0, 2 * math.pi, 24, endpoint=False):
        along = (1 - math.cos(t)) / 2  # 0 at the centre, 1 at the tip
        swell = math.sin(t)
        # Pointed petals are widest at 40 % of their length and straight from there to the tip.
        across = math.copysign(min(along / 0.4, (1 - along) / 0.6), swell) if genus.shape == "pointed" else swell
        u, v = along * length, across * genus.width * length / 1.4
        points.append(
            (
                centre[0] + u * math.cos(angle) - v * math.sin(angle),
                centre[1] + u * math.sin(angle) + v * math.cos(angle),
            )
        )
    return points


def _shade(colour: Colour, rng: np.random.Generator) -> Colour:
    red, green, blue = (int(np.clip(c + rng.integers(-16, 17), 0, 255)) for c in colour)
    return red, green, blue


def _darker(colour: Colour) -> Colour:
    return int(colour[0] * 0.72), int(colour[1] * 0.72), int(colour[2] * 0.72)
