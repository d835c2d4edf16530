"""The species of the camera-trap world: looks set by hand in camera_species.csv, none of them a class elsewhere.

The names are those of species that camera traps do meet, the looks are caricatures. The table's order is that of their
frequency.
"""

from dataclasses import dataclass
from functools import cache, cached_property

from miniature.drawing.traits import Setting, Traits
from miniature.families import Figure, figure_named, parse_settings, read_table


@dataclass(frozen=True)
class CameraSpecies:
    """A species.

    `size` is relative to a large deer (1), `night` the share of its visits that fall in the night, `foot` the height of
    its feet below the figure's middle in the figure's units.
    """

    name: str
    figure: Figure
    size: float
    night: float
    foot: float
    settings: dict[str, Setting]

    @cached_property
    def traits(self) -> Traits:
        """The looks; what the table leaves open is drawn from the name."""
        return Traits((self.name,), "camera-trap world", self.settings)


@cache
def camera_species() -> tuple[CameraSpecies, ...]:
    """Return all species, the most frequent first."""
    return tuple(
        CameraSpecies(
            row["name"],
            figure_named(row["figure"]),
            float(row["size"]),
            float(row["night"]),
            float(row["foot"]),
            parse_settings(row["traits"]),
        )
        for row in read_table("camera_species.csv")
    )
