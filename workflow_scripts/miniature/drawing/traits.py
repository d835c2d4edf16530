"""Appearance from a place in a hierarchy: classes with common ancestors have similar traits."""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

from PIL import ImageColor

from miniature.drawing.pen import PALETTES, Colour, hsv
from pretraining_robustness.seeds import hashed_uniform

_NORMAL = NormalDist()
# Share of a trait's variance that is the class's own; the rest is spread over its ancestors. Our choice.
_OWN_SHARE = 0.45

Setting = tuple[float, float] | tuple[str, ...]


class Traits:
    """The traits of one class: each a number in (0, 1), inherited in part from every ancestor.

    A trait is the normal distribution function of a weighted sum of normal deviates, one for each ancestor on `path`
    (root first) and one for the class itself, so that it is uniform over unrelated classes and correlated by common
    ancestry. `settings` narrows what a figure draws with: a range of numbers, or the names to choose from.
    """

    def __init__(self, path: Sequence[str], world: str, settings: Mapping[str, Setting] | None = None) -> None:
        self._path = path
        self._world = world
        self._settings = settings or {}
        ancestors = max(1, len(path) - 1)
        self._weights = [math.sqrt((1 - _OWN_SHARE) / ancestors)] * (len(path) - 1) + [math.sqrt(_OWN_SHARE)]
        self._norm = math.sqrt(sum(weight * weight for weight in self._weights))
        self._known: dict[str, float] = {}
        self._colours: dict[str, Colour] = {}

    def uniform(self, name: str) -> float:
        """Return the trait as a number in (0, 1)."""
        if name not in self._known:
            deviates = (_NORMAL.inv_cdf(hashed_uniform(f"{self._world}|{node}|{name}")) for node in self._path)
            total = sum(weight * deviate for weight, deviate in zip(self._weights, deviates, strict=True))
            self._known[name] = _NORMAL.cdf(total / self._norm)
        return self._known[name]

    def between(self, name: str, low: float, high: float) -> float:
        """Return the trait spread over `low` to `high`, or over the range that the settings give instead."""
        if name in self._settings:
            low, high = (float(bound) for bound in self._settings[name])
        return low + (high - low) * self.uniform(name)

    def whole(self, name: str, low: int, high: int) -> int:
        """Return the trait as a whole number from `low` to `high`, both included."""
        if name in self._settings:
            low, high = (int(bound) for bound in self._settings[name])
        return low + min(high - low, int((high - low + 1) * self.uniform(name)))

    def choice(self, name: str, *options: str) -> str:
        """Return one of the options, or of those that the settings give instead."""
        if name in self._settings:
            options = tuple(str(option) for option in self._settings[name])
        return options[min(len(options) - 1, int(len(options) * self.uniform(name)))]

    def colour(self, name: str, *palettes: str) -> Colour:
        """Return the trait as a colour from one of the palettes, or as the settings say (palettes or "#rrggbb")."""
        if name not in self._colours:
            palette = self.choice(name, *palettes)
            if palette.startswith("#"):
                return ImageColor.getrgb(palette)[:3]
            hue, saturation, value = PALETTES[palette]
            self._colours[name] = hsv(
                hue[0] + (hue[1] - hue[0]) * self.uniform(f"{name}.hue"),
                saturation[0] + (saturation[1] - saturation[0]) * self.uniform(f"{name}.saturation"),
                value[0] + (value[1] - value[0]) * self.uniform(f"{name}.value"),
            )
        return self._colours[name]
