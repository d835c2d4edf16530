"""The look of every figure: sizes, fonts, and one colour and one marker for each series.

The colours were chosen by a search around those of Okabe & Ito 2008 ("Color universal design") for the largest smallest
distance between any two of them, seen normally and as simulated for protanopia, deuteranopia and tritanopia (Machado,
Oliveira & Fernandes 2009), each still visible on white. The tests repeat the simulation. In grey the markers tell the
series apart.
"""

from dataclasses import dataclass
from typing import Any

from pretraining_robustness.errors import InputError

SETTINGS: Any = {  # keys are matplotlib's own
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a figure looks the same everywhere
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.linewidth": 0.7,
    "axes.edgecolor": "0.3",
    "xtick.color": "0.3",
    "ytick.color": "0.3",
    "xtick.labelcolor": "0.1",
    "ytick.labelcolor": "0.1",
    "grid.color": "0.92",
    "grid.linewidth": 0.6,
    "pdf.fonttype": 42,  # TrueType outlines: text stays text
    "savefig.facecolor": "white",
    "svg.hashsalt": "figure",
}
PNG_DOTS_PER_INCH = 300


@dataclass(frozen=True)
class SeriesStyle:
    """Colour (hexadecimal), matplotlib marker of a series, and the marker's area in points^2 for an even look."""

    colour: str
    marker: str
    area: float = 17.0

    @property
    def marker_size(self) -> float:
        """Size in points for the markers of a line."""
        return 1.2 * self.area**0.5


# arXiv 2307.12532 draws training from scratch in dark blue and ImageNet in cyan in all its figures.
SCRATCH = SeriesStyle("#1030A8", "o")
REFERENCES = (SeriesStyle("#52CCFF", "s"), SeriesStyle("#C1BD9D", "<"))
SERIES = (
    SeriesStyle("#CA1C03", "D"),
    SeriesStyle("#EB7A1A", "^"),
    SeriesStyle("#B971D1", "X", 24.0),
    SeriesStyle("#771F52", "v"),
    SeriesStyle("#26817A", "P", 26.0),
    SeriesStyle("#242201", "*", 34.0),
)
SCRATCH_NAME = "scratch"


def series_styles(panels: list[list[str]], references: list[str]) -> dict[str, SeriesStyle]:
    """Give every series of a figure its style.

    `scratch` and the other references look the same in all figures. The panels of one figure usually go through the
    same steps (150K, 50K, 5K images ...), some with one more at the start; their lists are aligned at the end, so that
    equal steps look alike in all panels.

    Raises:
        InputError: there are more series than can be told apart.
    """
    others = [name for name in references if name != SCRATCH_NAME]
    _refuse_too_many("references besides scratch", others, len(REFERENCES))
    styles = {SCRATCH_NAME: SCRATCH, **dict(zip(others, REFERENCES, strict=False))}
    own = [[name for name in dict.fromkeys(panel) if name not in styles] for panel in panels]
    longest = max(map(len, own), default=0)
    for panel in own:
        _refuse_too_many("series in a panel besides the references", panel, len(SERIES))
        for slot, name in enumerate(panel, start=longest - len(panel)):
            styles.setdefault(name, SERIES[slot])
    return styles


def _refuse_too_many(what: str, names: list[str], most: int) -> None:
    if len(names) > most:
        raise InputError(
            f"figures: {len(names)} {what} ({', '.join(names)}), but only {most} can be told apart; use more panels"
        )
