"""Figures of trends: what they show, that nothing overlaps, what their bands and footers say, their files."""

import itertools
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from score_tables import PAIRS, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.axes import common_limits, round_ticks
from pretraining_robustness.figures.draw import draw_figure
from pretraining_robustness.figures.kinds.trends import draw_trend_figure, figure_points, trend_caption
from pretraining_robustness.figures.style import SCRATCH
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.comparisons import compare_series, read_comparisons
from pretraining_robustness.trends.fit import UNITS, fit_trends, read_bands, read_trends

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
    "pairs": PAIRS,
    "task_label": "iWildCam-WILDS",
    "panels": [
        {"title": "ImageNet", "series": ["scratch", *(f"imagenet_{size}" for size in SIZES)]},
        {"title": "iNaturalist", "series": ["scratch", *(f"inaturalist_{size}" for size in SIZES)]},
    ],
    "references": ["scratch", "imagenet_full"],
    "band": "architectures",
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
    return paired(rows)


def tables(folder, scores, series=LABELS, metric="macro_f1"):
    paths = [folder / name for name in ("scores.csv", "trends.csv", "bands.csv")]
    write_score_table(scores, paths[0])
    options = {
        "pairs": PAIRS,
        "scales": list(SCALES),
        "resamples": 100,
        "confidence": 0.95,
        "seed": 0,
        "metric": metric,
    }
    fit_trends(*paths, figure="fig4", series=list(series), **options)
    return paths


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    scores = made_up_scores()
    _, trends, bands = tables(tmp_path_factory.mktemp("fitted"), scores)
    return scores, read_trends(trends), read_bands(bands)


def large(page: Figure):
    """The panels of a figure without the small ones below them."""
    return [axes for axes in page.axes if axes.get_title(loc="left")]


def small(page: Figure):
    return [axes for axes in page.axes if not axes.get_title(loc="left")]


def bands_of(axes):
    return [item for item in axes.collections if not isinstance(item, mpl.collections.PathCollection)]


def points_of(axes):
    return [item for item in axes.collections if isinstance(item, mpl.collections.PathCollection)]


def footer(page: Figure):
    return " ".join(" ".join(text.get_text().split()) for text in page.texts)


def drawn(figure: Figure):
    FigureCanvasAgg(figure).draw()
    return figure


@pytest.mark.parametrize(
    ("figure", "scale"),
    [(FIGURE_2, "probit"), (FIGURE_2, "logit"), (FIGURE_4, "probit"), (FIGURE_4, "linear")],
    ids=["fig2-probit", "fig2-logit", "fig4-probit", "fig4-linear"],
)
def test_no_text_meets_another_or_leaves_the_page(fitted, figure, scale, texts_apart):
    page = drawn(draw_trend_figure(*fitted, figure | {"scale": scale}))
    assert len(texts_apart(page)) > 15


@pytest.mark.parametrize("figure", [FIGURE_2, FIGURE_4], ids=["fig2", "fig4"])
def test_legends_lie_outside_all_axes(fitted, figure):
    page = drawn(draw_trend_figure(*fitted, figure))
    for axes, other in itertools.product(large(page), page.axes):
        assert not axes.get_legend().get_window_extent().overlaps(other.get_window_extent())


def test_figure_4_shows_both_panels_with_series_references_and_labels(fitted):
    page = drawn(draw_trend_figure(*fitted, FIGURE_4))
    left, right = large(page)
    for axes, panel in zip((left, right), FIGURE_4["panels"], strict=True):
        assert axes.get_title(loc="left") == panel["title"]
        assert axes.get_xlabel().replace("\n", " ") == FIGURE_4["x_label"]
        assert axes.get_ylabel().replace("\n", " ") == FIGURE_4["y_label"]
        assert [len(item.get_offsets()) for item in points_of(axes)] == [15] * 7
        assert len(trend_lines(axes)) == len(set(FIGURE_4["references"]) | set(panel["series"]))
        assert axes.get_xlim() == axes.get_ylim() == left.get_xlim()
        box = axes.get_window_extent()
        assert box.width == pytest.approx(box.height, rel=1e-3)
        note = " ".join(axes.texts[-1].get_text().split())
        assert note == FIGURE_4["note"]
        entries = [text.get_text().replace("\n", " ") for text in axes.get_legend().get_texts()]
        assert entries == [LABELS[name] for name in dict.fromkeys([*FIGURE_4["references"], *panel["series"]])]
    identity = next(line for line in right.lines if line.get_label() == "y = x")
    assert np.array_equal(identity.get_xdata(), identity.get_ydata())


def test_why_no_series_has_a_trend_is_said_once(tmp_path, texts_apart):
    scores = made_up_scores(architectures=1)
    _, trends, bands = tables(tmp_path, scores)
    page = drawn(draw_trend_figure(scores, read_trends(trends), read_bands(bands), FIGURE_4))
    assert texts_apart(page)
    for axes in large(page):
        assert not any("no trend" in text.get_text() for text in axes.get_legend().get_texts())
    assert "Axes on probit scale. No trend: a single run says nothing about other runs." in footer(page)
    assert "Bands" not in footer(page)


def test_the_note_gives_way_to_points(fitted):
    scores, trends, bands = fitted
    f1 = scores[["id_macro_f1", "ood_macro_f1"]]
    corner = scores.assign(id_macro_f1=f1.min(axis=None), ood_macro_f1=f1.max(axis=None))
    places = []
    for table in (scores, pd.concat([scores, corner])):
        (axes, _) = large(draw_trend_figure(table, trends, bands, FIGURE_4))
        (note,) = (text for text in axes.texts if text.get_style() == "italic")
        places.append(note.get_position())
    assert places == [(0.025, 0.975), (0.975, 0.025)]


def trend_lines(axes):
    """The lines of trends over their own checkpoints."""
    return [line for line in axes.lines if line.get_label() in LABELS.values()]


def test_each_band_of_a_crowded_panel_has_a_small_panel_of_its_own(fitted):
    _, _, bands = fitted
    page = drawn(draw_trend_figure(*fitted, FIGURE_4))
    assert all(bands_of(axes) == [] for axes in large(page))
    titles = [" ".join(axes.texts[0].get_text().split()) for axes in small(page)]
    imagenet, inaturalist = ([LABELS[f"{source}_{size}"] for size in SIZES] for source in ("imagenet", "inaturalist"))
    assert titles == ["References", *imagenet[1:], "References", *inaturalist]
    for axes, title in zip(small(page), titles, strict=True):
        shown = [LABELS[name] for name in FIGURE_4["references"]] if title == "References" else [title]
        assert [band.get_label() for band in bands_of(axes)] == shown
        for band, label in zip(bands_of(axes), shown, strict=True):
            name = next(key for key, value in LABELS.items() if value == label)
            wanted = bands[
                (bands["series"] == name) & (bands["scale"] == "probit") & (bands["band"] == "architectures")
            ]
            heights = band.get_paths()[0].vertices[:, 1]
            assert np.isin(wanted[["low", "high"]].to_numpy(), heights).all()
        assert {line.get_label() for line in trend_lines(axes)} >= {LABELS[name] for name in FIGURE_4["references"]}
        assert axes.get_xlim() == axes.get_ylim() == large(page)[0].get_xlim()
        assert 2 <= len([tick for tick in axes.get_xticks() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]]) <= 4


def test_lines_are_the_fitted_trends_and_references_continue_them(fitted):
    scores, trends, bands = fitted
    page = draw_trend_figure(scores, trends, bands, FIGURE_2)
    row = trends[(trends["series"] == "scratch") & (trends["scale"] == "probit")].iloc[0]
    mine = [line for line in page.axes[0].lines if line.get_color() == SCRATCH.colour and line.get_label() != "_end"]
    forward = SCALES["probit"].forward
    for line in mine:
        expected = row["intercept"] + row["slope"] * forward(np.asarray(line.get_xdata()))
        np.testing.assert_allclose(forward(np.asarray(line.get_ydata())), expected, atol=1e-9)
    ends = np.concatenate([line.get_xdata() for line in mine])
    clouds = np.concatenate([item.get_offsets()[:, 0] for item in points_of(page.axes[0])])
    assert (ends.min(), ends.max()) == pytest.approx((clouds.min(), clouds.max()))


def test_a_panel_of_which_all_is_left_out_is_not_drawn_and_the_figure_says_so(fitted):
    shown, gone = FIGURE_4["panels"]
    gone = {**gone, "series": ["scratch"], "not_run": [LABELS[name] for name in gone["series"][1:]]}
    figure = FIGURE_4 | {"panels": [shown, gone], "not_run": gone["not_run"]}
    page = drawn(draw_trend_figure(*fitted, figure))
    assert [axes.get_title(loc="left") for axes in large(page)] == [shown["title"]]
    assert f"left out: {gone['title']}." in footer(page)
    assert "from left to right" not in trend_caption(*fitted, figure)
    assert set(figure_points(fitted[0], figure)["panel"]) == {shown["title"], gone["title"]}  # the table is whole
    nothing = drawn(draw_trend_figure(*fitted, figure | {"panels": [gone]}))
    assert nothing.axes == []
    assert f"Left out of this study: {gone['not_run'][0]}" in footer(nothing)


@pytest.mark.parametrize("band", UNITS)
def test_the_band_is_the_one_asked_for_and_the_footer_says_which(fitted, band):
    scores, trends, bands = fitted
    page = draw_trend_figure(scores, trends, bands, FIGURE_2 | {"band": band})
    wanted = bands.query("series == 'scratch' and scale == 'probit' and band == @band")
    first, second = bands_of(page.axes[0])
    assert np.isin(wanted["high"].to_numpy(), first.get_paths()[0].vertices[:, 1]).all()
    assert second.get_label() == LABELS["imagenet_full"]
    ends = [line.get_ydata() for line in page.axes[0].lines if line.get_label() == "_end"]
    np.testing.assert_array_equal(ends[:2], wanted[["low", "high"]].to_numpy().T)
    assert f"Bands: 95 % {UNITS[band]} (3 runs per series)." in footer(page)


def test_a_figure_of_accuracies_shows_them_and_says_so(tmp_path):
    scores = made_up_scores().assign(id_macro_f1=0.5, ood_macro_f1=0.5)
    scores.loc[[1], "ood_accuracy"] = 1.0
    figure = FIGURE_2 | {"metric": "accuracy"}
    paths = tables(tmp_path, scores, figure["references"], metric="accuracy")
    arguments = (scores, read_trends(paths[1]), read_bands(paths[2]), figure)
    page = drawn(draw_trend_figure(*arguments))
    shown = np.concatenate([points.get_offsets() for points in points_of(page.axes[0])])
    mine = scores[scores["distribution"].isin(figure["references"]) & (scores["ood_accuracy"] < 1)]
    assert set(map(tuple, shown.tolist())) == set(map(tuple, mine[["id_accuracy", "ood_accuracy"]].to_numpy()))
    for text in (footer(page), trend_caption(*arguments)):
        assert "1 checkpoint with an accuracy of 0 or 1" in text
        assert "F1" not in text


def test_an_unknown_metric_is_refused(fitted):
    with pytest.raises(InputError, match="metric: 'f2' is not a metric of a score table"):
        draw_trend_figure(*fitted, FIGURE_2 | {"metric": "f2"})


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("limits", [(0.003, 0.6), (0.05, 0.95), (0.31, 0.34), (0.2, 0.55), (0.6, 0.9995)])
def test_ticks_are_round_apart_and_within(limits, scale):
    """On small axes they are few, and their labels meet no neighbour's."""
    low, high = SCALES[scale].forward(np.array(limits))
    few = round_ticks(limits, SCALES[scale], roomy=False)
    places = (SCALES[scale].forward(few) - low) / (high - low)
    assert 2 <= len(few) <= 4
    assert np.diff(places).min() >= 0.25  # of an inch, about; "0.05" in 7 points is 0.22 inches wide
    assert 0.1 < places.min() <= places.max() < 0.9
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
    assert "2 checkpoints with an F1 of 0 or 1" in footer(page)
    points = figure_points(scores, FIGURE_4)
    hidden = points[~points["drawn"] & (points["role"] == "series")]
    assert (hidden["ood_macro_f1"] == 0).all()
    assert len(hidden) == 3  # the series from scratch is in both panels
    caption = trend_caption(scores, read_trends(trends), read_bands(bands), FIGURE_4)
    assert "2 checkpoints with an F1 of 0 or 1" in caption


def test_a_series_without_checkpoints_or_trend_stays_in_the_legend(tmp_path, texts_apart):
    scores = made_up_scores()
    scores = scores[scores["distribution"] != "imagenet_25k"]
    scores = scores[(scores["distribution"] != "imagenet_5k") | (scores["architecture"] == "net0")]
    _, trends, bands = tables(tmp_path, scores)
    arguments = (scores, read_trends(trends), read_bands(bands), FIGURE_4)
    page = drawn(draw_trend_figure(*arguments))
    entries = [text.get_text().replace("\n", " ") for text in large(page)[0].get_legend().get_texts()]
    assert f"{LABELS['imagenet_25k']} (no trend: no checkpoints)" in entries
    assert f"{LABELS['imagenet_5k']} (no trend: a single run says nothing about other runs)" in entries
    texts_apart(page)
    assert f"{LABELS['imagenet_25k']} has no trend: no checkpoints." in trend_caption(*arguments)


def test_an_empty_figure_says_so(tmp_path):
    scores = made_up_scores()
    scores = scores.assign(distribution="other " + scores["distribution"], series="other " + scores["series"])
    _, trends, bands = tables(tmp_path, scores)
    arguments = (scores, read_trends(trends), read_bands(bands), FIGURE_4)
    page = drawn(draw_trend_figure(*arguments))
    assert small(page) == []
    assert all("no checkpoints to show" in [text.get_text() for text in axes.texts] for axes in page.axes)
    assert "No trend could be fitted." in trend_caption(*arguments)


def test_the_caption_gives_the_numbers_of_the_tables(fitted):
    scores, trends, bands = fitted
    caption = trend_caption(scores, trends, bands, FIGURE_2)
    assert "30 checkpoints of 6 runs with 3 architectures and 1 seed" in caption
    assert "probit axes" in caption
    assert "cluster-robust" in caption
    assert "too narrow" not in caption
    resampled = trend_caption(scores, trends, bands, FIGURE_2 | {"band": "checkpoints"})
    assert "With only 3 clusters in a series these intervals are probably too narrow." in resampled
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


# Files ---------------------------------------------------------------------------------------------------------------


def draw_files(folder: Path, paths, figure=FIGURE_4, **more):
    names = [folder / f"fig4.{ending}" for ending in ("pdf", "png", "csv", "txt")]
    files = {**dict(zip(("scores", "trends", "bands"), map(str, paths), strict=True)), **more}
    draw_figure(files, figure, **dict(zip(("pdf", "png", "table", "caption"), names, strict=True)))
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


def test_the_caption_ends_with_the_conclusions_of_the_tests(tmp_path):
    paths = tables(tmp_path, made_up_scores(), FIGURE_2["references"])
    comparisons = tmp_path / "comparisons.csv"
    compare_series(
        paths[0], comparisons, tmp_path / "contrasts.csv", figure=FIGURE_2, permutations=20, seed=0, margin=0.02
    )
    caption = draw_files(tmp_path, paths, FIGURE_2, comparisons=comparisons)[-1].read_text()
    panel, conclusion = read_comparisons(comparisons)[["panel", "conclusion"]].iloc[-1]
    assert caption.endswith(f"- {panel}: {conclusion}\n")


def test_published_numbers_and_other_studies_are_points_of_the_figure(tmp_path):
    paths = tables(tmp_path, made_up_scores(), ["scratch"])
    published = tmp_path / "published.csv"
    published.write_text("model,id,ood,group\na,0.3,0.2,elsewhere\nb,0.5,0.4,elsewhere\n")
    series = ["scratch", "elsewhere", "full/imagenet_full"]
    figure = FIGURE_2 | {"panels": [{"title": "All", "series": series}], "references": ["scratch"]}
    figure |= {"studies": {"full": str(paths[0])}}
    points = pd.read_csv(draw_files(tmp_path, paths, figure, published=[published])[2])
    assert points["series"].value_counts().to_dict() == dict(zip(series, (15, 2, 15), strict=True))


def test_another_process_at_another_time_writes_the_same_bytes(tmp_path):
    paths = tables(tmp_path, made_up_scores(), FIGURE_2["references"])
    first = [path.read_bytes() for path in draw_files(tmp_path / "first", paths)]
    code = (
        "from pathlib import Path; from pretraining_robustness.figures.draw import draw_figure; "
        f"folder = Path({str(tmp_path / 'second')!r}); "
        "ends = {'pdf': 'pdf', 'png': 'png', 'table': 'csv', 'caption': 'txt'}; "
        "names = {name: folder / f'fig4.{ending}' for name, ending in ends.items()}; "
        f"files = dict(zip(('scores', 'trends', 'bands'), {[str(path) for path in paths]!r})); "
        f"draw_figure(files, {FIGURE_4!r}, **names)"
    )
    library = Path(draw_figure.__code__.co_filename).parents[2]
    environment = {"PYTHONPATH": str(library), "PYTHONHASHSEED": "7", "MPLCONFIGDIR": mpl.get_cachedir()}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    assert first == [(tmp_path / "second" / f"fig4.{ending}").read_bytes() for ending in ("pdf", "png", "csv", "txt")]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "pie"}, "kind 'pie' is not one of pipeline"),
        ({"scale": "log"}, "'log' is not an axis scale"),
        ({"band": "epochs"}, "band 'epochs' is none; use one of architectures, resampled_architectures, checkpoints"),
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
