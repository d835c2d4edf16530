"""The camera-trap world: cameras with their own scenery and light, and the animals that pass them."""

import math
from dataclasses import dataclass
from functools import cached_property
from random import Random

import numpy as np
from PIL import Image, ImageDraw

from miniature.camera_species import CameraSpecies, camera_species
from miniature.drawing.pen import Colour, Pen, hsv, shade
from miniature.drawing.scenery import draw_place, texture
from miniature.object_world import to_jpeg

# Kinds of place and how often a camera stands there (our choice).
_PLACES = {
    "forest": 0.34,
    "savanna": 0.24,
    "grassland": 0.16,
    "desert": 0.08,
    "mountain": 0.07,
    "snow": 0.06,
    "water": 0.05,
}


@dataclass(frozen=True)
class Camera:
    """One camera: everything about its view follows from (seed, number)."""

    seed: int
    number: int
    size: int

    def _rng(self, purpose: str) -> Random:
        return Random(f"camera {self.seed}|{self.number}|{purpose}")

    @cached_property
    def scene(self) -> tuple[Image.Image, float]:
        """The empty view at twice the image size, and its horizon in pixels."""
        rng = self._rng("scene")
        place = rng.choices(list(_PLACES), list(_PLACES.values()))[0]
        return draw_place(place, 2 * self.size, rng)

    @cached_property
    def distance(self) -> float:
        """How large animals appear: pixels of a unit of their figure as a share of the image size."""
        return self._rng("distance").uniform(0.6, 1.0)

    @cached_property
    def path(self) -> float:
        """The height in the view (share of the ground below the horizon) at which animals walk."""
        return self._rng("path").uniform(0.25, 0.75)

    @cached_property
    def night_share(self) -> float:
        """How much more (above 1) or less of the activity before this camera falls in the night."""
        return self._rng("night").uniform(0.3, 1.5)

    @cached_property
    def cast(self) -> np.ndarray:
        """The camera's own colour balance and exposure, float32 (3,)."""
        rng = self._rng("cast")
        gain = rng.uniform(0.75, 1.2)
        return np.array([gain * rng.uniform(0.88, 1.12) for _ in range(3)], dtype=np.float32)

    @cached_property
    def strip(self) -> float:
        """The height of the black strip with date and temperature, as a share of the image; many cameras have none."""
        rng = self._rng("strip")
        return rng.choice((0.0, 0.0, 0.05, 0.07))

    def foreground(self, image: Image.Image) -> None:
        """Draw what stands right before the lens: blades of grass, twigs or nothing."""
        rng = self._rng("foreground")
        draw = ImageDraw.Draw(image)
        size = image.width
        kind = rng.choice(("none", "grass", "grass", "twig", "bush"))
        green: Colour = shade(hsv(rng.uniform(0.12, 0.34), 0.5, 0.4), rng.uniform(0.6, 1.2))
        if kind == "grass":
            for _ in range(rng.randint(6, 22)):
                x, tall = rng.random() * size, rng.uniform(0.08, 0.3) * size
                draw.line(
                    [(x, size), (x + rng.uniform(-0.08, 0.08) * size, size - tall)],
                    fill=shade(green, rng.uniform(0.7, 1.4)),
                    width=max(1, size // 64),
                )
        elif kind == "twig":
            y = rng.uniform(0.1, 0.9) * size
            draw.line(
                [(0, y), (size * rng.uniform(0.3, 0.9), y + rng.uniform(-0.3, 0.3) * size)],
                fill=(60, 48, 38),
                width=max(2, size // 40),
            )
        elif kind == "bush":
            x, radius = rng.choice((0.0, 1.0)) * size, rng.uniform(0.15, 0.28) * size
            draw.ellipse([x - radius, size - radius, x + radius, size + radius], fill=green)


@dataclass(frozen=True)
class Visit:
    """What triggered a camera once: its number, the species (0: nothing), the frames taken, the hour of the day."""

    number: int
    species: int
    frames: int
    hour: float

    @property
    def dark(self) -> bool:
        """Whether the infrared flash is used."""
        return self.hour < 6.2 or self.hour > 18.8


def _light_of(hour: float) -> np.ndarray:
    """Return the colour of daylight, float32 (3,): warm and dim at dawn and dusk, bright at noon."""
    noon = math.sin(math.pi * (hour - 5.5) / 14)
    return np.array([0.72 + 0.34 * noon, 0.62 + 0.44 * noon, 0.54 + 0.5 * noon], dtype=np.float32)


def _infrared(pixels: np.ndarray, rng: Random) -> np.ndarray:
    """Return the frame as an infrared flash shows it: grey, bright in the middle, dark at the rim and far away."""
    size = pixels.shape[0]
    grey = pixels @ np.array([0.5, 0.35, 0.15], dtype=np.float32)
    axis = np.linspace(-1, 1, size, dtype=np.float32)
    fall = np.clip(1.12 - 0.55 * (axis[:, None] ** 2 + axis[None, :] ** 2), 0.15, 1.1)
    lit = (45 + 0.7 * grey) * fall * rng.uniform(0.75, 1.15)
    return np.repeat(lit[:, :, None], 3, axis=2)


def draw_visit(camera: Camera, visit: Visit) -> list[np.ndarray]:
    """Draw the frames of a visit, each uint8 (size, size, 3): the same animal, a little further on each time."""
    rng = Random(f"visit {camera.seed}|{camera.number}|{visit.number}")
    size = camera.size
    scene, horizon = camera.scene
    species: CameraSpecies | None = camera_species()[visit.species - 1] if visit.species else None
    flip = rng.random() < 0.5
    depth = min(1.0, max(0.05, camera.path + rng.uniform(-0.2, 0.2)))
    x = rng.uniform(0.2, 0.8)
    speed = rng.uniform(0.0, 0.07) * (-1 if flip else 1)
    tint = rng.uniform(0.82, 1.18)
    weather = rng.uniform(0.85, 1.12)
    sway = rng.uniform(0, 2)
    frames = []
    for frame in range(visit.frames):
        image = scene.copy()
        if species:
            scale = 2 * size * 0.5 * camera.distance * (0.7 + 0.45 * depth) * (0.5 + 0.5 * species.size)
            foot = horizon + depth * (2 * size - horizon)
            across = min(0.9, max(0.1, x + speed * frame))
            centre = (2 * size * across, foot - species.foot * scale)
            pen = Pen(image, centre, scale, rng.uniform(-0.08, 0.08), flip, (tint, tint, tint))
            pen.ellipse(0, species.foot, 0.6, 0.06, (52, 50, 46))
            species.figure(pen, species.traits, Random(f"{visit.number}|{frame // 3}|pose|{rng.random()}"))
        camera.foreground(image)
        pixels: np.ndarray = np.asarray(image.reduce(2), dtype=np.float32)
        daylight = _light_of(visit.hour) * weather * camera.cast
        pixels = _infrared(pixels, rng) if visit.dark else pixels * daylight
        pixels = pixels + texture(3, size, rng)[:, :, None] * (4.0 if visit.dark else 2.5)
        shift = round(sway * math.sin(frame))
        pixels = np.roll(pixels, shift, axis=1)
        if camera.strip:
            band = max(1, round(camera.strip * size))
            pixels[-band:] = 12
            for mark in range(3, size - 3, 5):
                pixels[-band + 1 : -1, mark : mark + 3] = 215
        frames.append(np.clip(pixels, 0, 255).astype(np.uint8))
    return frames


def draw_camera(camera: Camera, visits: list[Visit]) -> list[bytes]:
    """Draw all frames of a camera's visits in order, as JPEG files."""
    return [to_jpeg(frame) for visit in visits for frame in draw_visit(camera, visit)]
