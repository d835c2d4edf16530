"""Figures of example pictures: a fair and repeatable choice, every picture listed, pixels as they are in the store."""

import io

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image
from scipy import stats

from pretraining_robustness.errors import InputError
from pretraining_robustness.figures.draw import draw_figure
from pretraining_robustness.figures.kinds.pictures import (
    draw_picture_figure,
    lay_out,
    mosaic,
    picture_caption,
    picture_list,
    resize,
)
from pretraining_robustness.figures.picture_selection import (
    COLUMNS,
    Choice,
    PictureFigure,
    PicturePanel,
    choose_pictures,
)

SIDE = 16
SPLITS = ["train", "id_test", "test"]
TABLE = pd.DataFrame(
    {
        "row": range(120),
        "image": [f"train/{row}.jpg" for row in range(120)],
        "class_id": [str(row % 4) for row in range(120)],
        "split": [SPLITS[row % 3] for row in range(120)],
        "location": [row // 10 for row in range(120)],
    }
)
CLASSES = pd.DataFrame({"class_id": list("0123"), "name": ["empty", "white-tailed deer, deer", "ocelot", "NA"]})
MANIFEST = pd.DataFrame(
    {
        "image": [f"train/{row}.jpg" for row in range(0, 120, 2)],
        "class_id": [str(row % 4) for row in range(0, 120, 2)],
        "class_name": "a class",
        "label": [row // 100 for row in range(0, 120, 2)],
        "label_name": [["animal, beast", "artefact"][row // 100] for row in range(0, 120, 2)],
    }
)
GRID = {"title": "All", "collection": "iwildcam", "rows": 3, "columns": 4}
CAMERAS = {"title": "Cameras", "collection": "iwildcam", "group_by": "location", "groups": 5, "columns": 6}
LABELS = {"title": "Labels", "collection": "iwildcam", "distribution": "half", "group_by": "label", "columns": 5}
FIGURE = {
    "name": "fig13",
    "kind": "pictures",
    "title": "Random pictures",
    "note": "Miniature: pictures that the pipeline draws itself",
    "seed": 0,
    "panels": [GRID, CAMERAS, LABELS],
}


def panel(**keys):
    return PicturePanel.from_dict(keys, FIGURE)


def choose(spec, seed=0, table=TABLE):
    one = panel(**spec)
    return choose_pictures(one, table, CLASSES, MANIFEST if one.distribution else None, seed)


@pytest.fixture(scope="module")
def pixels():
    return np.random.default_rng(0).integers(0, 256, (len(TABLE), SIDE, SIDE, 3), dtype=np.uint8)


def write_store(folder, pixels, encoding):
    """Write a store as the workflow does: an array of pixels, or JPEG files one after another with their places."""
    folder.mkdir()
    table = TABLE
    if encoding == "uint8":
        np.save(folder / "images.npy", pixels)
    else:
        files = []
        for picture in pixels:
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "jpeg", quality=90)
            files.append(np.frombuffer(buffer.getvalue(), dtype=np.uint8))
        lengths = np.array([len(file) for file in files])
        np.save(folder / "images.npy", np.concatenate(files))
        table = TABLE.assign(offset=np.cumsum(lengths) - lengths, length=lengths)
    table.to_parquet(folder / "images.parquet")
    CLASSES.to_csv(folder / "classes.csv", index=False)
    MANIFEST.to_csv(folder / "manifest.csv", index=False)
    return folder


def draw(store, out, figure=FIGURE):
    count = len(figure["panels"])
    names = [out / f"fig13.{ending}" for ending in ("pdf", "png", "csv", "txt")]
    names_of = {"images": "images.npy", "tables": "images.parquet", "classes": "classes.csv"}
    files = {key: [store / name] * count for key, name in names_of.items()}
    manifests = [store / "manifest.csv" for one in figure["panels"] if one.get("distribution")]
    ends = dict(zip(("pdf", "png", "table", "caption"), names, strict=True))
    draw_figure({**files, "manifests": manifests}, {"kind": "pictures", **figure}, **ends)
    return names


# Choice --------------------------------------------------------------------------------------------------------------


def test_every_picture_is_equally_likely_and_shown_once():
    shown = np.zeros(len(TABLE))
    for seed in range(600):
        rows = choose(GRID, seed).pictures["row"].to_numpy()
        assert len(set(rows)) == 12
        shown[rows] += 1
    # Drawing 12 of 120 without replacement 600 times: 60 each; chi-square with the variance of that draw.
    statistic = ((shown - 60) ** 2).sum() / (600 * 0.1 * 0.9) * (119 / 120)
    assert 0.001 < stats.chi2.cdf(statistic, 119) < 0.999


def test_every_group_is_equally_likely():
    shown = pd.Series(0, index=range(12))
    for seed in range(240):
        shown[choose(CAMERAS, seed).pictures["row"].to_numpy()[::6] // 10] += 1
    statistic = ((shown - 100) ** 2).sum() / (240 * 5 / 12 * 7 / 12) * (11 / 12)
    assert 0.001 < stats.chi2.cdf(statistic, 11) < 0.999


def test_the_choice_depends_on_the_seed_and_its_own_panel_alone():
    alone = choose(GRID).pictures
    choose(CAMERAS)
    pd.testing.assert_frame_equal(choose(GRID | {"title": "Another"}).pictures, alone)
    assert not choose(GRID, seed=1).pictures.equals(alone)
    assert not choose(GRID | {"split": "train"}).pictures["row"].isin(alone["row"]).all()
    longer = choose(GRID | {"rows": 5}).pictures
    pd.testing.assert_frame_equal(longer.head(12), alone)


def test_panels_with_the_same_groups_show_the_same_ones():
    whole, part = choose(CAMERAS | {"columns": 3}), choose(CAMERAS | {"columns": 3, "split": "test"})
    assert [name for name, _ in whole.grid] == [name for name, _ in part.grid]


def test_a_split_a_group_and_a_distribution_hold_what_they_say():
    chosen = choose(CAMERAS | {"split": "test", "columns": 3})
    rows = TABLE.set_index("row").loc[chosen.pictures["row"]]
    assert (rows["split"] == "test").all()
    assert ("camera " + rows["location"].astype(str)).tolist() == chosen.pictures["group"].tolist()
    assert (chosen.available, chosen.groups) == (40, 12)
    labelled = choose(LABELS)
    assert set(labelled.pictures["image"]) <= set(MANIFEST["image"])
    assert [name for name, _ in labelled.grid] == ["animal", "artefact"]
    expected = MANIFEST.set_index("image").loc[labelled.pictures["image"], "label"]
    assert expected.tolist() == labelled.pictures["label"].tolist() == [0] * 5 + [1] * 5
    assert labelled.says() == "10 of 60 images, all 2 labels"
    named = choose(GRID | {"group_by": "class", "groups": None})
    assert [name for name, _ in named.grid] == ["empty", "white-tailed deer", "ocelot", "NA"]


def test_groups_with_enough_pictures_come_first_then_the_largest():
    table = TABLE[(TABLE["location"] < 2) | (TABLE["row"] % 10 < 4)]
    for seed in range(10):
        chosen = choose(CAMERAS | {"groups": 3}, seed, table)
        assert [name for name, _ in chosen.grid][:2] == ["camera 0", "camera 1"]
        assert [count for _, count in chosen.grid] == [6, 6, 4]
    assert chosen.says() == "16 of 60 images, 3 of 12 cameras; 1 row with fewer than 6"


def test_a_panel_with_too_few_pictures_shows_what_there_is_and_says_so():
    few = choose(GRID, table=TABLE.head(5))
    assert few.grid == [("", 4), ("", 1)]
    assert few.says() == "all 5 images"
    none = choose(GRID, table=TABLE.head(0))
    assert none.says() == "no images"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"group_by": "camera"}, "'camera' is not a column of iwildcam; use one of class_id, split, location"),
        ({"split": "val"}, "'val' is not a split of iwildcam; use id_test, test, train"),
        ({"rows": None}, "figure fig13, panel All: the key 'rows' is missing"),
    ],
)
def test_a_wrong_panel_is_refused_in_one_line(change, words):
    with pytest.raises(InputError, match=words):
        choose(GRID | change)


def test_a_manifest_of_another_store_is_refused():
    with pytest.raises(
        InputError, match=r"the manifest of half names train/60.jpg, which the store of iwildcam does not"
    ):
        choose(LABELS, table=TABLE.head(60))


# Drawing -------------------------------------------------------------------------------------------------------------


def test_enlarged_pictures_keep_sharp_pixels_and_reduced_ones_their_means():
    picture = np.random.default_rng(1).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(picture, 24), picture.repeat(3, axis=0).repeat(3, axis=1))
    middles = np.floor((np.arange(8) + 0.5) * 30 / 8).astype(int)
    np.testing.assert_array_equal(resize(picture, 30)[np.ix_(middles, middles)], picture)
    stripes = np.zeros((256, 256, 3), dtype=np.uint8)
    stripes[:, ::2] = 200
    inside = resize(stripes, 100)[10:-10, 10:-10].astype(int)
    assert abs(inside - 100).max() <= 12  # every second row taken as it is would be all 0 or all 200


def test_the_page_has_the_mosaic_dot_by_dot(tmp_path, pixels):
    figure = FIGURE | {"panels": [CAMERAS, LABELS]}
    _, png, table, _ = draw(write_store(tmp_path / "store", pixels, "uint8"), tmp_path, figure)
    with Image.open(png) as image:
        page = np.asarray(image.convert("RGB"))
    listed = pd.read_csv(table)
    cell = lay_out([choose(CAMERAS), choose(LABELS)]).cell
    for spec in (CAMERAS, LABELS):
        chosen = choose(spec)
        expected = mosaic(chosen, pixels[chosen.pictures["row"]], cell)
        first = resize(pixels[chosen.pictures["row"].iloc[0]], cell)
        assert listed.loc[listed["panel"] == spec["title"], "row"].tolist() == chosen.pictures["row"].tolist()
        windows = np.lib.stride_tricks.sliding_window_view(page[:, :, 0], 24, axis=1)
        tops, lefts = np.nonzero((windows == first[0, :24, 0]).all(axis=2))
        found = [
            np.array_equal(page[top : top + expected.shape[0], left : left + expected.shape[1]], expected)
            for top, left in zip(tops, lefts, strict=True)
        ]
        assert any(found)


def test_the_mosaic_has_each_picture_in_its_place(pixels):
    chosen = choose(CAMERAS)
    canvas = mosaic(chosen, pixels[chosen.pictures["row"]], 48)
    step = 48 + 6
    for place, row in enumerate(chosen.pictures["row"]):
        down, across = divmod(place, 6)
        tile = canvas[down * step : down * step + 48, across * step : across * step + 48]
        np.testing.assert_array_equal(tile[1::3, 1::3], pixels[row])
    assert (canvas[48:step] == 255).all()


@pytest.mark.parametrize(
    ("columns", "rows", "count", "across"),
    [(6, 6, 1, 1), (6, 6, 2, 2), (6, 6, 4, 2), (4, 4, 3, 3), (12, 4, 2, 1), (6, 6, 3, 2)],
)
def test_panels_are_side_by_side_where_they_fit(columns, rows, count, across):
    panels = [Choice(panel(**GRID), TABLE.head(0), [("", columns)] * rows, 99, 0)] * count
    panels = [Choice(panel(**GRID | {"columns": columns}), one.pictures, one.grid, 99, 0) for one in panels]
    layout = lay_out(panels)
    assert layout.across == across
    assert layout.cell >= 0.38 * 300


FIGURES = {
    "three": [GRID, CAMERAS, LABELS],
    "four": [GRID | {"title": f"Panel {number}", "rows": 6, "columns": 6} for number in range(4)],
    "long names": [
        LABELS | {"group_by": "a very long column", "title": "A title that needs more than one line " * 2, "columns": 6}
    ]
    * 2,
    "short": [GRID | {"rows": 10, "columns": 7, "split": "test"}, CAMERAS | {"columns": 12}],
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_meets_another_or_a_picture_or_leaves_the_page(pixels, name, texts_apart):
    table = TABLE.assign(
        **{"a very long column": TABLE["class_id"].map(lambda one: f"of the incomparable kind {one} " * 4)}
    )
    spec = PictureFigure.from_dict(FIGURE | {"panels": FIGURES[name]})
    choices = [choose(one, table=table) for one in FIGURES[name]]
    page = draw_picture_figure(spec, choices, [pixels[choice.pictures["row"]] for choice in choices])
    FigureCanvasAgg(page).draw()
    boxes = texts_apart(page, [("pictures", axes.get_window_extent().padded(-1)) for axes in page.axes])
    assert page.bbox.width / page.dpi <= 7.21
    shown = " ".join(text.replace("\n", " ") for text, _ in boxes)
    for choice in choices:
        assert choice.says() in shown
    assert FIGURE["note"] in shown


# Files ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["uint8", "jpeg"])
def test_files_list_every_picture_and_are_the_same_twice(tmp_path, pixels, encoding):
    store = write_store(tmp_path / "store", pixels, encoding)
    first, second = (draw(store, tmp_path / folder) for folder in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    listed = pd.read_csv(first[2], keep_default_na=False)
    assert listed.columns.tolist() == COLUMNS
    assert listed["panel"].value_counts().to_dict() == {"All": 12, "Cameras": 30, "Labels": 10}
    assert (listed["image"] == TABLE["image"][listed["row"]].to_numpy()).all()
    caption = first[3].read_text()
    assert caption.startswith("Random pictures. Panels, from left to right and top to bottom: All (collection")
    assert "(seed 0) and not chosen by eye" in caption
    with Image.open(first[1]) as page:
        assert page.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_the_caption_says_how_groups_were_chosen_only_where_some_are_left_out():
    spec = PictureFigure.from_dict(FIGURE)
    some, every = choose(CAMERAS), choose(LABELS)
    assert "Where not all cameras are shown, they were drawn at random" in picture_caption(spec, [some, every])
    assert "Where not all" not in picture_caption(spec, [every])
    assert picture_list([some, every])["label"].isna().sum() == len(some.pictures)


def test_a_figure_without_panels_is_refused(tmp_path, pixels):
    with pytest.raises(InputError, match="figure fig13: has no panels to show"):
        draw(tmp_path, tmp_path, FIGURE | {"panels": []})
