"""The look of every figure: sizes, fonts, and one colour, one marker and one dash pattern for each series.

No two series of a panel share a marker or a dash pattern, and their colours differ in lightness, so that they can be
told apart in grey. The colours are the outcome of a search for nine that keep their distance in CAM02-UCS (Luo, Cui &
Li 2006), seen normally and as simulated for protanopia, deuteranopia and tritanopia (Machado, Oliveira & Fernandes
2009), and in lightness when printed in grey, each still visible on white. The tests repeat the simulation.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from pretraining_robustness.panel_limits import check_panels

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
    "text.parse_math": False,  # a name may hold a $
}
PNG_DOTS_PER_INCH = 300


@dataclass(frozen=True)
class SeriesStyle:
    """The look of a series.

    Attributes:
        colour: hexadecimal.
        marker: matplotlib's.
        area: of the marker in points^2, for an even look.
        dashes: lengths of the line's dashes and gaps in turn, in line widths; none: a solid line.
    """

    colour: str
    marker: str
    area: float = 17.0
    dashes: tuple[float, ...] = ()

    @property
    def line_style(self) -> tuple[float, tuple[float, ...]] | Literal["-"]:
        """The dash pattern as matplotlib takes it."""
        return (0, self.dashes) if self.dashes else "-"

    @property
    def marker_size(self) -> float:
        """Size in points for the markers of a line."""
        return 1.2 * self.area**0.5

    @property
    def line(self) -> dict[str, Any]:
        """Colour and dashes as matplotlib takes them."""
        return {"color": self.colour, "linestyle": self.line_style}

    @property
    def marks(self) -> dict[str, Any]:
        """Colour and markers of a line, with a white edge, as matplotlib takes them."""
        edge = {"markeredgecolor": "white", "markeredgewidth": 0.5}
        return {"color": self.colour, "marker": self.marker, "markersize": self.marker_size, **edge}


# arXiv 2307.12532 draws training from scratch in dark blue and ImageNet in cyan in all its figures.
SCRATCH = SeriesStyle("#1030A8", "o")
REFERENCES = (
    SeriesStyle("#52CCFF", "s", dashes=(9, 1.2)),
    SeriesStyle("#0F0135", "<", dashes=(3, 0.8, 3, 3)),
)
SERIES = (
    SeriesStyle("#8F3156", "D", dashes=(4.5, 1.5)),
    SeriesStyle("#F28F25", "^", dashes=(6, 1.2, 1.2, 1.2)),
    SeriesStyle("#885DE1", "X", 24.0, dashes=(2, 1)),
    SeriesStyle("#412600", "v", dashes=(3, 1, 1, 1, 1, 1, 1, 1)),
    SeriesStyle("#079A9F", "P", 26.0, dashes=(8, 1.5, 3, 1.5)),
    SeriesStyle("#6E6614", "*", 34.0, dashes=(1, 0.8)),
)
# For series in an order, the first dark and the last light: the markers and dashes of SERIES in one row of colours. The
# outcome of a search, too: 12.8 apart in CAM02-UCS for every colour vision, from each other and from the references.
ORDERED = ("#320014", "#5D1D27", "#843C35", "#A65C41", "#C68153", "#E9AC6C")
SCRATCH_NAME = "scratch"


def series_styles(panels: list[list[str]], references: list[str], ordered: bool = False) -> dict[str, SeriesStyle]:
    """Give every series of a figure its style.

    `scratch` and the other references look the same in all figures. The panels of one figure usually go through the
    same steps (150K, 50K, 5K images ...), some with one more at the start; their lists are aligned at the end, so that
    equal steps look alike in all panels. Series that are `ordered` have colours from dark to light.

    Raises:
        InputError: there are more series than can be told apart.
    """
    check_panels(panels, references)
    others = [name for name in references if name != SCRATCH_NAME]
    styles = {SCRATCH_NAME: SCRATCH, **dict(zip(others, REFERENCES, strict=False))}
    own = [[name for name in dict.fromkeys(panel) if name not in styles] for panel in panels]
    longest = max(map(len, own), default=0)
    for panel in own:
        for slot, name in enumerate(panel, start=longest - len(panel)):
            step = round(slot * (len(ORDERED) - 1) / max(longest - 1, 1))  # few series use the whole ramp, too
            styles.setdefault(name, replace(SERIES[slot], colour=ORDERED[step]) if ordered else SERIES[slot])
    return styles
