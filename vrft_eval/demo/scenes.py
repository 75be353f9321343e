"""Generated images of coloured shapes, with their boxes, masks and descriptions.

A scene is a function of its seed alone, so a data set is named by its seeds and nobody has to download it.
Boxes lie on a grid of 4 pixels: the small model that answers about them has one token a number and a few
minutes to learn where things are.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

IMAGE_SIZE = 112
GRID = 4
COLOURS = {"red": (214, 48, 44), "green": (38, 160, 62), "blue": (48, 84, 214), "yellow": (238, 206, 52)}
SHAPES = ("circle", "square", "triangle")
CATEGORIES = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Shape:
    """One object: its colour, its shape, and its box (x1, y1, x2, y2) in pixels, x2 and y2 exclusive."""

    colour: str
    shape: str
    box: Box

    @property
    def category(self) -> str:
        """The name that is asked for, such as `red circle`."""
        return f"{self.colour} {self.shape}"

    @property
    def area(self) -> int:
        """Area of the box in pixels."""
        x1, y1, x2, y2 = self.box
        return (x2 - x1) * (y2 - y1)

    def mask(self) -> NDArray[np.bool_]:
        """The object's own pixels, (112, 112) bool."""
        canvas = Image.new("1", (IMAGE_SIZE, IMAGE_SIZE))
        _draw(ImageDraw.Draw(canvas), self, 1)
        return np.asarray(canvas, dtype=np.bool_)


@dataclass(frozen=True)
class Scene:
    """An image of 112 x 112 pixels and what is in it."""

    image: Image.Image
    objects: tuple[Shape, ...]

    def in_order(self) -> list[Shape]:
        """The objects in reading order: in rows of 28 pixels from top to bottom, then from left to right."""
        return sorted(self.objects, key=lambda o: ((o.box[1] + o.box[3]) // 56, o.box[0], o.box[1]))

    def boxes(self, category: str) -> list[Box]:
        """Boxes of one category in reading order."""
        return [o.box for o in self.in_order() if o.category == category]


@dataclass(frozen=True)
class Description:
    """A phrase that fits exactly one object of a scene."""

    text: str
    target: Shape


def make_scene(seed: int | Sequence[int], max_objects: int = 3) -> Scene:
    """Draw the scene of this seed: one to `max_objects` shapes that don't overlap."""
    rng = np.random.default_rng(seed)
    wanted = int(rng.integers(1, max_objects + 1))
    objects: list[Shape] = []
    for _ in range(60):
        if len(objects) == wanted:
            break
        width = GRID * int(rng.integers(6, 13))
        height = width if rng.random() < 0.5 else GRID * int(rng.integers(6, 13))
        x = GRID * int(rng.integers(0, (IMAGE_SIZE - width) // GRID + 1))
        y = GRID * int(rng.integers(0, (IMAGE_SIZE - height) // GRID + 1))
        box = (x, y, x + width, y + height)
        if any(_overlap(box, other.box) for other in objects):
            continue
        if objects and rng.random() < 0.45:  # several of one kind, so that lists of boxes are common
            colour, shape = objects[0].colour, objects[0].shape
        else:
            colour, shape = str(rng.choice(list(COLOURS))), str(rng.choice(SHAPES))
        objects.append(Shape(colour, shape, box))
    canvas = Image.fromarray(background(rng, (132, 168, 132), (96, 10, 96)))
    draw = ImageDraw.Draw(canvas)
    for item in objects:
        jitter = rng.integers(-14, 15, 3)
        red, green, blue = (int(np.clip(c + j, 0, 255)) for c, j in zip(COLOURS[item.colour], jitter, strict=True))
        _draw(draw, item, (red, green, blue))
    return Scene(canvas, tuple(objects))


def absent(scene: Scene, rng: np.random.Generator, never: Collection[str] = ()) -> str:
    """A category that is not in the scene; half the time one that shares a colour or a shape with it."""
    present = {o.category for o in scene.objects}
    others = [c for c in CATEGORIES if c not in present and c not in never]
    if rng.random() < 0.5:
        words = {word for category in present for word in category.split()}
        others = [c for c in others if words & set(c.split())] or others
    return others[int(rng.integers(len(others)))]


def describe(scene: Scene, rng: np.random.Generator) -> Description:
    """A phrase for one object, unambiguous by a margin (8 pixels, or a third in area).

    >>> describe(make_scene(4), np.random.default_rng(0)).text
    'the ...'
    """
    phrases = [phrase for group in _groups(scene) for phrase in _phrases(*group)]
    return phrases[int(rng.integers(len(phrases)))]


def background(rng: np.random.Generator, base: tuple[int, int, int], reach: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A lit canvas, (112, 112, 3): red grows from left to right, blue from top to bottom, with fine noise.

    The light tells a vision tower with relative positions only where in the image a patch lies.
    """
    ramp = np.linspace(0.0, 1.0, IMAGE_SIZE, dtype=np.float32)
    canvas = np.empty((IMAGE_SIZE, IMAGE_SIZE, 3), np.float32)
    canvas[..., 0] = base[0] + reach[0] * ramp[None, :]
    canvas[..., 1] = base[1] + reach[1] * rng.uniform(-1, 1)
    canvas[..., 2] = base[2] + reach[2] * ramp[:, None]
    top, left = rng.integers(0, 80, 2)
    canvas += _noise()[top : top + IMAGE_SIZE, left : left + IMAGE_SIZE]
    return canvas.clip(0, 255).astype(np.uint8)


@cache
def _noise() -> NDArray[np.float32]:
    size = (IMAGE_SIZE + 80, IMAGE_SIZE + 80, 3)
    return np.random.default_rng(0).normal(0, 3, size).astype(np.float32)


def _draw(draw: ImageDraw.ImageDraw, item: Shape, colour: int | tuple[int, int, int]) -> None:
    x1, y1, x2, y2 = item.box
    if item.shape == "circle":
        draw.ellipse((x1, y1, x2 - 1, y2 - 1), fill=colour)
    elif item.shape == "square":
        draw.rectangle((x1, y1, x2 - 1, y2 - 1), fill=colour)
    else:
        draw.polygon([(x1, y2 - 1), (x2 - 1, y2 - 1), ((x1 + x2 - 1) / 2, y1)], fill=colour)


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _groups(scene: Scene) -> list[tuple[str, tuple[Shape, ...]]]:
    """Every set of objects that a noun names: all, of a colour, of a shape, of both."""
    groups: dict[str, list[Shape]] = {}
    for item in scene.objects:
        for noun in ("shape", f"{item.colour} shape", item.shape, item.category):
            groups.setdefault(noun, []).append(item)
    return [(noun, tuple(items)) for noun, items in groups.items()]


def _phrases(noun: str, items: tuple[Shape, ...]) -> list[Description]:
    if len(items) == 1:
        return [Description(f"the {noun}", items[0])] if noun != "shape" else []
    orders = {
        "largest": ([-float(o.area) for o in items], 0.25),
        "smallest": ([float(o.area) for o in items], 0.33),
        "leftmost": ([float(o.box[0] + o.box[2]) / 2 for o in items], None),
        "rightmost": ([-float(o.box[0] + o.box[2]) / 2 for o in items], None),
        "topmost": ([float(o.box[1] + o.box[3]) / 2 for o in items], None),
        "bottommost": ([-float(o.box[1] + o.box[3]) / 2 for o in items], None),
    }
    found = []
    for word, (keys, ratio) in orders.items():
        first, second = np.argsort(keys, kind="stable")[:2]
        margin = keys[second] - keys[first]
        if margin >= (8 if ratio is None else ratio * abs(keys[first])):
            found.append(Description(f"the {word} {noun}", items[int(first)]))
    return found
