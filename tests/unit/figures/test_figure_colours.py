"""Series can be told apart by everybody: colours, markers and dashes of every figure, checked by simulation."""

import itertools

import numpy as np
import pytest
from colorspacious import cspace_convert, machado_et_al_2009_matrix
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.style import ORDERED, REFERENCES, SCRATCH, SERIES, series_styles
from pretraining_robustness.figures.trend_marks import key
from pretraining_robustness.study import names, show
from pretraining_robustness.study.study import Study
from pretraining_robustness.trends.specification import TrendFigure

STYLES = [SCRATCH, *REFERENCES, *SERIES]
DEFICIENCIES = {"protanopia": "protanomaly", "deuteranopia": "deuteranomaly", "tritanopia": "tritanomaly"}
VISIONS = ["normal", *DEFICIENCIES]
CLOSEST = 18.0
"""Smallest distance in CAM02-UCS, where 1 is about just noticeable; the eight colours of Okabe & Ito reach 11."""
CLOSEST_IN_GREY = 7.0
"""Smallest difference in CAM02-UCS lightness (0 black, 100 white) of any two colours printed in grey."""


def seen(colours, vision):
    """CAM02-UCS coordinates of colours with a colour vision deficiency of severity 1 (Machado et al. 2009)."""
    rgb = np.array([to_rgb(colour) for colour in colours])
    if vision != "normal":
        space = {"name": "sRGB1+CVD", "cvd_type": DEFICIENCIES[vision], "severity": 100}
        rgb = np.clip(cspace_convert(rgb, space, "sRGB1"), 0, 1)
    return cspace_convert(rgb, "sRGB1", "CAM02-UCS")


def luminance(colours):
    rgb = np.array([to_rgb(colour) for colour in colours])
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


def printed_in_grey(colours):
    """CAM02-UCS lightness of the greys of the same luminance."""
    light = luminance(colours)
    grey = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return cspace_convert(np.repeat(grey[:, None], 3, axis=1), "sRGB1", "CAM02-UCS")[:, 0]


def smallest_distance(colours, vision):
    places = seen(colours, vision)
    return min(np.linalg.norm(one - other) for one, other in itertools.combinations(places, 2))


def smallest_difference_in_grey(colours):
    return np.diff(np.sort(printed_in_grey(colours))).min()


def series_of_panels(config):
    """The styles of the series of each panel of every figure of trends of a study that leaves nothing out."""
    study = Study(config | {"left_out": []})
    for name in names.of_kind(study, "trends"):
        spec = TrendFigure.from_dict(show.figure(study, name))
        styles = series_styles([panel.series for panel in spec.panels], spec.references, spec.ordered)
        for panel in spec.panels:
            yield name, spec.ordered, [styles[series] for series in spec.shown(panel)]


@pytest.fixture(params=["config", "paper_config"])
def panels(request):
    found = list(series_of_panels(request.getfixturevalue(request.param)))
    assert len(found) >= 15
    assert max(len(styles) for *_, styles in found) >= 8  # Figure 4 with ImageNet as reference beside iNaturalist
    return found


def test_series_of_a_panel_differ_in_marker_and_dashes_and_colour(panels):
    for figure, _, styles in panels:
        for what in ("marker", "dashes", "colour"):
            assert len({getattr(style, what) for style in styles}) == len(styles), figure


def test_series_of_a_panel_differ_in_grey_and_for_every_kind_of_colour_vision(panels):
    for figure, ordered, styles in panels:
        colours = [style.colour for style in styles]
        if ordered:  # the ramp's own test
            continue
        assert smallest_difference_in_grey(colours) > CLOSEST_IN_GREY, figure
        for vision in VISIONS:
            assert smallest_distance(colours, vision) > CLOSEST, f"{figure}, {vision}"


def test_all_styles_differ_in_grey_and_for_every_kind_of_colour_vision():
    """Of the lines of a figure of residuals, too, which take them in turn."""
    colours = [style.colour for style in STYLES]
    assert smallest_difference_in_grey(colours) > CLOSEST_IN_GREY
    for vision in VISIONS:
        assert smallest_distance(colours, vision) > CLOSEST, vision


def test_colours_of_an_order_grow_lighter_for_every_kind_of_colour_vision():
    """They are closer than those of series without an order; their lightness says the order, in grey, too."""
    assert np.diff(printed_in_grey(ORDERED)).min() > 5
    references = [SCRATCH.colour, *(style.colour for style in REFERENCES)]
    for vision in VISIONS:
        assert np.diff(seen(ORDERED, vision)[:, 0]).min() > 5, vision
        assert smallest_distance([*ORDERED, *references], vision) > 12, vision


def test_few_series_in_an_order_use_the_whole_ramp():
    styles = series_styles([["scratch", "many", "some", "few"]], ["scratch"], ordered=True)
    assert [styles[name].colour for name in ("many", "few")] == [ORDERED[0], ORDERED[-1]]
    assert styles["scratch"] == SCRATCH


def test_the_simulation_sees_what_others_do_not():
    """A red and an olive of one luminance: far apart for most, alike to red-green blind readers and in grey."""
    pair = ["#C03030", "#6F6A2A"]
    assert smallest_distance(pair, "normal") > 30
    assert smallest_distance(pair, "tritanopia") > 30
    assert smallest_distance(pair, "protanopia") < 12
    assert smallest_distance(pair, "deuteranopia") < 5
    assert smallest_difference_in_grey(pair) < 1


def test_the_simulation_uses_the_published_matrix():
    """Machado, Oliveira & Fernandes 2009, protanopia at severity 1.0, on linear RGB."""
    published = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    np.testing.assert_allclose(machado_et_al_2009_matrix("protanomaly", 100), published, atol=1e-6)


def test_every_colour_is_visible_on_white():
    contrast = 1.05 / (luminance([style.colour for style in STYLES] + list(ORDERED)) + 0.05)
    assert contrast.min() > 1.8


def drawn_in_black(artist_of, width=0.5):
    figure = Figure(figsize=(width, 0.5), dpi=200)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, 1), ylim=(0, 1))
    axes.axis("off")
    artist_of(axes)
    FigureCanvasAgg(figure).draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., 0] < 128


def test_any_two_markers_differ_in_black():
    shapes = [
        drawn_in_black(lambda axes, s=style: axes.scatter([0.5], [0.5], s=s.area * 14, marker=s.marker, color="black"))
        for style in STYLES
    ]
    for one, other in itertools.combinations(range(len(STYLES)), 2):
        common, either = (shapes[one] & shapes[other]).sum(), (shapes[one] | shapes[other]).sum()
        assert common / either < 0.85, f"{STYLES[one].marker} and {STYLES[other].marker}"


def strokes(style):
    """Lengths of the dashes and of the gaps of a line of 1.5 points in black, as they come on paper, in points."""
    line = key(style, width=1.5, marker=False)
    line.set(xdata=[0, 1], ydata=[0.5, 0.5], color="black")
    ink = drawn_in_black(lambda axes: axes.add_line(line), width=3)[50]
    ends = np.flatnonzero(np.diff(ink.astype(int)))
    lengths = np.diff(ends) * 72 / 200
    first_is_gap = not ink[ends[0] + 1] if len(ends) else False
    return lengths[int(first_is_gap) :: 2], lengths[int(not first_is_gap) :: 2]


def test_any_two_dash_patterns_differ_on_paper():
    """The longest or the shortest dash, the ink, or the number of dashes on an inch is clearly another."""
    looks = {}
    for style in STYLES:
        dashes, gaps = strokes(style)
        if len(dashes) == 0:
            looks[style.dashes] = np.array([216, 216, 1.0, 0])
            assert style == SCRATCH
            continue
        looks[style.dashes] = np.array([dashes.max(), dashes.min(), dashes.sum() / 216, len(dashes) / 3])
        assert gaps.min() > 0.9, style  # not closed by the printer
    assert len(looks) == len(STYLES)
    for (one, first), (other, second) in itertools.combinations(looks.items(), 2):
        ratio = np.maximum(first, second) / np.maximum(np.minimum(first, second), 0.05)
        assert ratio.max() > 1.4, f"{one} and {other}"


def test_references_keep_their_style_and_equal_steps_share_one():
    sizes = ["150k", "50k", "5k"]
    panels = [["scratch", *(f"{source}_{size}" for size in ("full", *sizes))] for source in ("imagenet", "inaturalist")]
    styles = series_styles(panels, ["scratch", "imagenet_full"])
    assert styles["scratch"] == SCRATCH
    assert styles["imagenet_full"] == REFERENCES[0]
    for size in sizes:
        assert styles[f"imagenet_{size}"] == styles[f"inaturalist_{size}"]


def test_more_series_than_can_be_told_apart_are_refused():
    with pytest.raises(InputError, match="only 6 can be told apart; use more panels"):
        series_styles([["scratch", *"abcdefg"]], ["scratch"])
