"""Figures of trends: what they show, that nothing overlaps, that colours and markers can be told apart, their files."""

import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.axes import common_limits, round_ticks
from pretraining_robustness.figures.draw import draw_figure
from pretraining_robustness.figures.style import REFERENCES, SCRATCH, SERIES, series_styles
from pretraining_robustness.figures.trend_figure import draw_trend_figure, figure_points
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.captions import trend_caption
from pretraining_robustness.trends.fit import fit_trends, read_bands, read_trends
from pretraining_robustness.trends.scores import COLUMNS

SIZES = ["full", "150k", "100k", "50k", "25k", "5k"]
LABELS = {"scratch": "From scratch (no pre-training)"} | {
    f"{source}_{size}": f"{title}, {images:,} images (here {images // 100:,})"
    for source, title, full in (("imagenet", "ImageNet", 1281167), ("inaturalist", "iNaturalist", 579184))
    for size, images in zip(SIZES, (full, 150000, 100000, 50000, 25000, 5000), strict=True)
}
FIGURE_4 = {
    "name": "fig4",
    "kind": "trends",
    "title": "Number of pre-training images",
    "scale": "probit",
    "task_label": "iWildCam-WILDS",
    "panels": [
        {"title": "ImageNet", "series": ["scratch", *(f"imagenet_{size}" for size in SIZES)]},
        {"title": "iNaturalist", "series": ["scratch", *(f"inaturalist_{size}" for size in SIZES)]},
    ],
    "references": ["scratch", "imagenet_full"],
    "band": "runs",
    "confidence": 0.95,
    "note": "Miniature: drawn data and small networks, not the paper's results",
    "labels": LABELS,
    "x_label": "In-distribution macro F1 score (iWildCam-WILDS, id_test split)",
    "y_label": "Out-of-distribution macro F1 score (iWildCam-WILDS, test split)",
}
FIGURE_2 = FIGURE_4 | {
    "name": "fig2",
    "title": "Pre-training on ImageNet and training from scratch",
    "panels": [{"title": "Training from scratch and ImageNet pre-training", "series": ["scratch", "imagenet_full"]}],
}


def made_up_scores(architectures=3, epochs=5, seed=3):
    generator = np.random.default_rng(seed)
    rows = []
    for place, name in enumerate(LABELS):
        gain = 0.5 if name == "scratch" else 0.08 * (place % 6)
        for architecture in range(architectures):
            start = -1.0 - 0.6 * gain + 0.12 * generator.normal()
            for epoch in range(1, epochs + 1):
                x = start + 0.12 * epoch * 5 / epochs + 0.03 * generator.normal()
                y = 0.9 * x - 0.2 - 0.5 * gain + 0.04 * generator.normal()
                f1 = SCALES["probit"].inverse(np.array([x, y]))
                rows.append(("iwildcam", name, f"net{architecture}", 0, epoch, *f1, *f1))
    return pd.DataFrame(rows, columns=COLUMNS)


def tables(folder, scores, series=LABELS):
    paths = [folder / name for name in ("scores.csv", "trends.csv", "bands.csv")]
    scores.to_csv(paths[0], index=False)
    fit_trends(*paths, figure="fig4", series=list(series), scales=list(SCALES), resamples=300, confidence=0.95, seed=0)
    return paths


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    scores = made_up_scores()
    _, trends, bands = tables(tmp_path_factory.mktemp("fitted"), scores)
    return scores, read_trends(trends), read_bands(bands)


def drawn(figure: Figure):
    FigureCanvasAgg(figure).draw()
    return figure


def all_texts(figure: Figure):
    """Every visible text of a figure with its box in pixels, slightly shrunk."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = list(figure.texts)
    for axes in figure.axes:
        texts += [*axes.texts, axes.xaxis.label, axes.yaxis.label, axes.title, axes._left_title]
        texts += [*axes.get_legend().get_texts(), *axes.get_xticklabels(), *axes.get_yticklabels()]
    return [
        (text.get_text(), text.get_window_extent(renderer).padded(-1))
        for text in texts
        if text.get_visible() and text.get_text()
    ]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("figure", [FIGURE_2, FIGURE_4], ids=["fig2", "fig4"])
def test_no_text_meets_another_or_leaves_the_page(fitted, figure, scale):
    page = drawn(draw_trend_figure(*fitted, figure | {"scale": scale}))
    boxes = all_texts(page)
    assert len(boxes) > 15
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= page.bbox.width, text
        assert box.y1 <= page.bbox.height, text
    for (one, first), (other, second) in itertools.combinations(boxes, 2):
        assert not first.overlaps(second), f"{one!r} meets {other!r}"


@pytest.mark.parametrize("figure", [FIGURE_2, FIGURE_4], ids=["fig2", "fig4"])
def test_legends_lie_outside_all_axes(fitted, figure):
    page = drawn(draw_trend_figure(*fitted, figure))
    for axes, other in itertools.product(page.axes, page.axes):
        assert not axes.get_legend().get_window_extent().overlaps(other.get_window_extent())


def test_figure_4_shows_both_panels_with_series_references_and_labels(fitted):
    page = drawn(draw_trend_figure(*fitted, FIGURE_4))
    left, right = page.axes
    for axes, panel in zip((left, right), FIGURE_4["panels"], strict=True):
        assert axes.get_title(loc="left") == panel["title"]
        assert axes.get_xlabel().replace("\n", " ") == FIGURE_4["x_label"]
        assert axes.get_ylabel().replace("\n", " ") == FIGURE_4["y_label"]
        assert len(axes.collections) == 7 + len(set(FIGURE_4["references"]) | set(panel["series"]))  # points, bands
        points = [item for item in axes.collections if isinstance(item, mpl.collections.PathCollection)]
        assert [len(item.get_offsets()) for item in points] == [15] * 7
        assert axes.get_xlim() == axes.get_ylim() == left.get_xlim()
        box = axes.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-3)
        note = " ".join(axes.texts[-1].get_text().split())
        assert note == FIGURE_4["note"]
    entries = [text.get_text().replace("\n", " ") for text in right.get_legend().get_texts()]
    assert entries == [LABELS["scratch"], LABELS["imagenet_full"], *(LABELS[f"inaturalist_{size}"] for size in SIZES)]
    identity = next(line for line in right.lines if line.get_label() == "y = x")
    assert np.array_equal(identity.get_xdata(), identity.get_ydata())


def test_lines_are_the_fitted_trends_and_references_continue_them(fitted):
    scores, trends, bands = fitted
    page = draw_trend_figure(scores, trends, bands, FIGURE_2)
    row = trends[(trends["series"] == "scratch") & (trends["scale"] == "probit")].iloc[0]
    mine = [line for line in page.axes[0].lines if line.get_color() == SCRATCH.colour]
    assert len(mine) == 3  # the trend and its two continuations
    forward = SCALES["probit"].forward
    for line in mine:
        expected = row["intercept"] + row["slope"] * forward(np.asarray(line.get_xdata()))
        np.testing.assert_allclose(forward(np.asarray(line.get_ydata())), expected, atol=1e-9)
    ends = np.concatenate([line.get_xdata() for line in mine])
    assert (ends.min(), ends.max()) == pytest.approx(page.axes[0].get_xlim())


def test_the_band_is_the_one_asked_for(fitted):
    scores, trends, bands = fitted
    for band in ("runs", "checkpoints"):
        page = draw_trend_figure(scores, trends, bands, FIGURE_2 | {"band": band})
        wanted = bands.query("series == 'scratch' and scale == 'probit' and bootstrap == @band")
        polygon = next(c for c in page.axes[0].collections if not isinstance(c, mpl.collections.PathCollection))
        heights = polygon.get_paths()[0].vertices[:, 1]
        assert np.isin(wanted["high"].to_numpy(), heights).all()
        assert any(f"resampling {band}" in text.get_text() for text in page.texts)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("limits", [(0.003, 0.6), (0.05, 0.95), (0.31, 0.34), (0.2, 0.55), (0.6, 0.9995)])
def test_ticks_are_round_apart_and_within(limits, scale):
    ticks = round_ticks(limits, SCALES[scale])
    assert 4 <= len(ticks) <= 12
    assert ticks.min() >= limits[0]
    assert ticks.max() <= limits[1]
    np.testing.assert_array_equal(ticks, np.round(ticks, 3))
    ends = SCALES[scale].forward(np.array(limits))
    assert np.diff(SCALES[scale].forward(ticks)).min() >= 0.08 * np.ptp(ends)


def test_limits_hold_the_points_and_ignore_what_has_no_place():
    low, high = common_limits(np.array([[0.0, 0.1], [0.4, 1.0]]), SCALES["probit"])
    assert 0 < low < 0.1
    assert 0.4 < high < 1
    low, high = common_limits(np.array([0.3]), SCALES["probit"])
    assert low < 0.3 < high


def test_points_without_a_place_are_counted_on_the_figure_and_marked_in_its_table(tmp_path):
    scores = made_up_scores()
    scores.loc[[0, 17], "ood_macro_f1"] = 0.0
    _, trends, bands = tables(tmp_path, scores)
    page = draw_trend_figure(scores, read_trends(trends), read_bands(bands), FIGURE_4)
    assert any("2 checkpoints with an F1 of 0 or 1" in " ".join(text.get_text().split()) for text in page.texts)
    points = figure_points(scores, FIGURE_4)
    hidden = points[~points["drawn"] & (points["role"] == "series")]
    assert (hidden["ood_macro_f1"] == 0).all()
    assert len(hidden) == 3  # the series from scratch is in both panels
    caption = trend_caption(scores, read_trends(trends), read_bands(bands), FIGURE_4)
    assert "2 checkpoints with an F1 of 0 or 1" in caption


def test_a_series_without_checkpoints_or_trend_stays_in_the_legend(tmp_path):
    scores = made_up_scores()
    scores = scores[scores["distribution"] != "imagenet_25k"]
    scores = scores[(scores["distribution"] != "imagenet_5k") | (scores["architecture"] == "net0")]
    _, trends, bands = tables(tmp_path, scores)
    arguments = (scores, read_trends(trends), read_bands(bands), FIGURE_4)
    page = drawn(draw_trend_figure(*arguments))
    entries = [text.get_text().replace("\n", " ") for text in page.axes[0].get_legend().get_texts()]
    assert f"{LABELS['imagenet_25k']} (no trend: no checkpoints)" in entries
    assert f"{LABELS['imagenet_5k']} (no trend: a single run says nothing about other runs)" in entries
    for (one, first), (other, second) in itertools.combinations(all_texts(page), 2):
        assert not first.overlaps(second), f"{one!r} meets {other!r}"
    assert f"{LABELS['imagenet_25k']} has no trend: no checkpoints." in trend_caption(*arguments)


def test_an_empty_figure_says_so(tmp_path):
    scores = made_up_scores().assign(distribution="another")
    _, trends, bands = tables(tmp_path, scores)
    arguments = (scores, read_trends(trends), read_bands(bands), FIGURE_4)
    page = drawn(draw_trend_figure(*arguments))
    assert all("no checkpoints to show" in [text.get_text() for text in axes.texts] for axes in page.axes)
    assert "No trend could be fitted." in trend_caption(*arguments)


def test_the_caption_gives_the_numbers_of_the_tables(fitted):
    scores, trends, bands = fitted
    caption = trend_caption(scores, trends, bands, FIGURE_2)
    assert "30 checkpoints of 6 runs with 3 architectures and 1 seed" in caption
    assert "probit axes" in caption
    assert "With only 3 runs in a series these intervals are probably too narrow." in caption
    assert FIGURE_2["note"] in caption
    for name in ("scratch", "imagenet_full"):
        row = trends[(trends["series"] == name) & (trends["scale"] == "probit")].iloc[0]
        numbers = f"slope {row['slope']:.2f} [{row['slope_low']:.2f}, {row['slope_high']:.2f}]"
        assert f"- {LABELS[name]}: {numbers}" in caption
    one = trends[(trends["series"] == "imagenet_full") & (trends["scale"] == "probit")].iloc[0]
    reading = caption.split(f"{LABELS['imagenet_full']}: slope")[1].splitlines()[0]
    at, height = float(reading.split("at ID F1 ")[1]), float(reading.split("; ")[1].split(" [")[0])
    forward, inverse = SCALES["probit"].forward, SCALES["probit"].inverse
    expected = inverse(one["intercept"] + one["slope"] * forward(np.array(at)))
    assert height == pytest.approx(expected, abs=0.006)  # `at` is printed with two digits


# Colours -------------------------------------------------------------------------------------------------------------

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
STYLES = [SCRATCH, *REFERENCES, *SERIES]


def linear_rgb(colour):
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    """Linear RGB to Oklab (Ottosson 2020), in which equal distances look about equally different."""
    lms = np.cbrt(
        np.clip(rgb, 0, 1)
        @ np.array(
            [
                [0.4122214708, 0.2119034982, 0.0883024619],
                [0.5363325363, 0.6806995451, 0.2817188376],
                [0.0514459929, 0.1073969566, 0.6299787005],
            ]
        )
    )
    return lms @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )


@pytest.mark.parametrize("vision", VISION)
def test_any_two_colours_differ_for_every_kind_of_colour_vision(vision):
    seen = {style.colour: oklab(VISION[vision] @ linear_rgb(style.colour)) for style in STYLES}
    for one, other in itertools.combinations(seen, 2):
        # 0.02 is a just noticeable difference; nine colours of seaborn's colour-blind palette reach 0.03.
        assert np.linalg.norm(seen[one] - seen[other]) > 0.125, f"{one} and {other}"


def test_every_colour_is_visible_on_white():
    for style in STYLES:
        luminance = linear_rgb(style.colour) @ np.array([0.2126, 0.7152, 0.0722])
        assert 1.05 / (luminance + 0.05) > 1.8, style.colour


def test_any_two_markers_differ_in_black():
    shapes = {}
    for style in STYLES:
        figure = Figure(figsize=(0.5, 0.5), dpi=200)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        axes.scatter([0], [0], s=style.area * 14, marker=style.marker, color="black")
        FigureCanvasAgg(figure).draw()
        shapes[style.marker] = np.asarray(figure.canvas.buffer_rgba())[..., 0] < 128
    assert len(shapes) == len(STYLES)
    for one, other in itertools.combinations(shapes, 2):
        common, either = (shapes[one] & shapes[other]).sum(), (shapes[one] | shapes[other]).sum()
        assert common / either < 0.85, f"{one} and {other}"


def test_references_keep_their_style_and_equal_steps_share_one():
    styles = series_styles([panel["series"] for panel in FIGURE_4["panels"]], FIGURE_4["references"])
    assert styles["scratch"] == SCRATCH
    assert styles["imagenet_full"] == REFERENCES[0]
    for size in SIZES[1:]:
        assert styles[f"imagenet_{size}"] == styles[f"inaturalist_{size}"]
    for panel in FIGURE_4["panels"]:
        shown = {*panel["series"], *FIGURE_4["references"]}
        assert len({styles[name] for name in shown}) == len(shown)


def test_more_series_than_can_be_told_apart_are_refused():
    with pytest.raises(InputError, match="only 6 can be told apart; use more panels"):
        series_styles([["scratch", *"abcdefg"]], ["scratch"])


# Files ---------------------------------------------------------------------------------------------------------------


def draw_files(folder: Path, paths, figure=FIGURE_4):
    names = [folder / f"fig4.{ending}" for ending in ("pdf", "png", "csv", "txt")]
    draw_figure(*paths, figure, *names)
    return names


def test_files_are_what_a_journal_takes(tmp_path):
    pdf, png, table, caption = draw_files(tmp_path, tables(tmp_path, made_up_scores()))
    contents = pdf.read_bytes()
    assert contents.startswith(b"%PDF")
    assert b"/Type3" not in contents  # fonts are TrueType, not drawings of letters
    assert b"/FontFile2" in contents
    assert b"/Subtype /Image" not in contents  # vectors throughout
    assert b"CreationDate" not in contents
    with Image.open(png) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
        assert image.width > 2000
    points = pd.read_csv(table)
    assert set(points["panel"]) == {"ImageNet", "iNaturalist"}
    assert points["drawn"].sum() == 2 * 7 * 15
    assert caption.read_text().startswith("Number of pre-training images. Out-of-distribution (OOD)")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_another_process_at_another_time_writes_the_same_bytes(tmp_path):
    paths = tables(tmp_path, made_up_scores())
    first = [path.read_bytes() for path in draw_files(tmp_path / "first", paths)]
    code = (
        "from pathlib import Path; from pretraining_robustness.figures.draw import draw_figure; "
        f"folder = Path({str(tmp_path / 'second')!r}); "
        "names = [folder / f'fig4.{ending}' for ending in ('pdf', 'png', 'csv', 'txt')]; "
        f"draw_figure(*{[str(path) for path in paths]!r}, {FIGURE_4!r}, *names)"
    )
    library = Path(draw_figure.__code__.co_filename).parents[2]
    environment = {"PYTHONPATH": str(library), "PYTHONHASHSEED": "7", "MPLCONFIGDIR": str(tmp_path / "config")}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert first == [(tmp_path / "second" / f"fig4.{ending}").read_bytes() for ending in ("pdf", "png", "csv", "txt")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "pie"}, "kind 'pie' is not one of trends"),
        ({"scale": "log"}, "'log' is not an axis scale"),
        ({"band": "epochs"}, "band 'epochs' is not a unit; use runs or checkpoints"),
    ],
)
def test_a_wrong_specification_is_refused_and_leaves_no_file(tmp_path, change, words):
    paths = tables(tmp_path, made_up_scores(), ["scratch"])
    with pytest.raises(InputError, match=words):
        draw_files(tmp_path / "figures", paths, FIGURE_4 | change)
    assert not (tmp_path / "figures").exists()


def test_a_missing_key_is_named(fitted):
    figure = {key: value for key, value in FIGURE_4.items() if key != "x_label"}
    with pytest.raises(InputError, match="figure fig4: the key 'x_label' is missing"):
        draw_trend_figure(*fitted, figure)
