"""The results page in a real browser: what a person points at, filters, switches and types, against Python's numbers.

Needs Chromium (Debian: `apt-get install chromium`), or another one named by the environment variable CHROMIUM.
"""

import re

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright
from report_page import chromium, made_up_study
from scipy.stats import norm

from pretraining_robustness.evaluate.scores import paired_scores, read_scores
from pretraining_robustness.report.curves import read_curves
from pretraining_robustness.report.page import write_page
from pretraining_robustness.report.rib_page import write_rib_page
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.fit import read_trends
from pretraining_robustness.trends.lines import Line

EXECUTABLE = chromium()

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: install it, or name it in CHROMIUM")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    arguments = made_up_study(tmp_path_factory.mktemp("study"), 8, 2, 2, 4)
    write_page(**arguments)
    return arguments


@pytest.fixture(scope="module")
def scores(study):
    return paired_scores(read_scores(study["scores"]), study["pairs"])


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=EXECUTABLE, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def tab(browser, study):
    """A window of 1366 x 900 with the page in it; afterwards nothing may have gone wrong in it."""
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    troubles: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    open_view(page, study, "fig4")
    yield page
    page.close()
    assert troubles == []
    assert {url for url in requests if not url.startswith(("data:", "blob:"))} == {study["page"].as_uri()}


@pytest.fixture
def rib_page(tmp_path):
    """The page of ImageNet-RIB, of made-up changes of two methods after two epochs."""
    rows = [
        {
            **{"method": method, "distribution": "imagenet", "architecture": "vit", "epoch": epoch},
            **{"fine_tuned_on": tuned, "tested_on": tested, "before": 50.0, "after": 50.0 + change, "change": change},
        }
        for method, scale in (("full", 1.0), ("lora", 0.1))
        for epoch in (1, 2)
        for tuned, tested, change in (("a", "a", 8.0), ("a", "b", -4.0), ("b", "a", -3.0), ("b", "b", 7.0))
        for change in (change * scale * epoch,)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "cells.csv", index=False)
    Image.new("RGB", (40, 30)).save(tmp_path / "figure.png")
    (tmp_path / "figure.txt").write_text("A caption with < and &.", encoding="utf-8")
    (tmp_path / "table.html").write_text("<!DOCTYPE html><table><tr><td>a &amp; b</td></tr></table>", encoding="utf-8")
    write_rib_page(
        cells=tmp_path / "cells.csv",
        **{"figures": [tmp_path / "figure.png"], "captions": [tmp_path / "figure.txt"]},
        tables=[tmp_path / "table.html"],
        labels={
            "methods": {"full": "full fine-tuning", "lora": "LoRA"},
            "distributions": {"imagenet": "ImageNet"},
            "variants": {"a": "Variant “a”", "b": "Variant </script>"},
        },
        **{"figures_shown": ["A figure"], "tables_shown": ["A table"], "study": "made up"},
        page=tmp_path / "page.html",
    )
    return tmp_path / "page.html"


def test_the_page_of_imagenet_rib_shows_what_is_chosen(browser, rib_page):
    page = browser.new_page(viewport={"width": 1366, "height": 900})
    troubles: list[str] = []
    page.on("console", lambda message: troubles.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.goto(rib_page.as_uri())
    page.wait_for_function("document.documentElement.dataset.drawn")
    assert sorted(page.locator("#matrix .mark-text.role-mark text").all_text_contents()) == [
        "+14.0",
        "+16.0",
        "−6.0",
        "−8.0",
    ]
    page.get_by_label("Method").select_option("LoRA")
    page.wait_for_function("[...document.querySelectorAll('#matrix text')].some(one => one.textContent === '+1.6')")
    assert sorted(page.locator("#matrix .mark-text.role-mark text").all_text_contents()) == [
        "+1.4",
        "+1.6",
        "−0.6",
        "−0.8",
    ]
    assert page.locator("figcaption").inner_text() == "A caption with < and &."
    assert page.locator("figure img").evaluate("image => image.naturalWidth") == 40
    page.locator("summary").click()
    assert page.frame_locator("iframe").locator("td").inner_text() == "a & b"
    page.close()
    assert troubles == []


def open_view(page, study, view):
    page.goto("about:blank")
    page.goto(f"{study['page'].as_uri()}#figure={view}")
    page.wait_for_function("document.documentElement.dataset.drawn")


def after(page, act):
    """Do something that draws anew, and wait until that is done."""
    before = page.evaluate("document.documentElement.dataset.drawn")
    act()
    page.wait_for_function("before => document.documentElement.dataset.drawn !== before", arg=before)


def trend_rows(page):
    """What the table of series says, unrounded: a row a series."""
    rows = page.eval_on_selector_all("[data-series]", "rows => rows.map(row => ({...row.dataset}))")
    table = pd.DataFrame(rows).set_index("series")
    return table.apply(pd.to_numeric)


def drawn_points(page, chart=0):
    return page.locator(".chart").nth(chart).locator("g.checkpoints path").count()


def python_trend(scores, scale, metric):
    """The trend that Python fits to some checkpoints, and how many of them have a place on the axes."""
    x, y = scores[f"id_{metric}"].to_numpy(), scores[f"ood_{metric}"].to_numpy()
    kept = SCALES[scale].representable(x) & SCALES[scale].representable(y)
    return Line.fit(SCALES[scale].forward(x[kept]), SCALES[scale].forward(y[kept]), SCALES[scale]), int(kept.sum())


def assert_same_trends(page, scores, scale, metric):
    rows = trend_rows(page)
    excluded = 0
    for name, row in rows.iterrows():
        own = scores[scores["distribution"] == name]
        line, used = python_trend(own, scale, metric)
        assert (row["used"], row["excluded"]) == (used, len(own) - used)
        found = row[["slope", "intercept", "r2"]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, [line.slope, line.intercept, line.r2], rtol=1e-9, atol=1e-12)
        excluded += len(own) - used
    return excluded


def test_the_page_opens_on_the_figure_with_its_note(tab, study):
    assert tab.title() == "Results of the study “made up”"
    assert tab.locator("#title").inner_text() == "Made-up figure fig4"
    assert "not the results of anything" in tab.locator("#note").inner_text()
    assert tab.locator(".chart svg").count() == 2
    assert "Macro F1 is the mean over classes" in tab.locator("footer").inner_text()


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy"])
@pytest.mark.parametrize("scale", ["linear", "logit", "probit"])
def test_trends_of_any_score_on_any_axes_are_pythons(tab, scores, scale, metric):
    if metric != "macro_f1":
        after(tab, lambda: tab.select_option("#metric", metric))
    if scale != "probit":
        after(tab, lambda: tab.select_option("#scale", scale))
    excluded = assert_same_trends(tab, scores[scores["distribution"].isin(trend_rows(tab).index)], scale, metric)
    words = tab.locator("#summary").inner_text()
    assert (excluded > 0) == (metric == "macro_f1" and scale != "linear")
    assert (f"Neither drawn nor fitted: {excluded} checkpoint" in words) == (excluded > 0)


def test_trends_are_those_of_the_trend_table_with_its_intervals(tab, study):
    trends = read_trends(study["trends"])
    trends = trends[(trends["figure"] == "fig4") & (trends["scale"] == "probit")].set_index("series")
    rows = trend_rows(tab)
    np.testing.assert_allclose(rows["slope"], trends["slope"].reindex(rows.index), rtol=1e-9)
    low, high = trends.loc["scratch", ["slope_low", "slope_high"]]
    assert f"{low:.2f} to {high:.2f}" in tab.locator('[data-series="scratch"]').inner_text()


def test_filters_take_checkpoints_away_and_the_trend_moves(tab, scores):
    series = trend_rows(tab).index
    scores = scores[scores["distribution"].isin(series)]
    before = drawn_points(tab)
    after(tab, lambda: tab.get_by_label("Network (network_1)").uncheck())
    kept = scores[scores["architecture"] != "network_1"]
    assert_same_trends(tab, kept, "probit", "macro_f1")
    first_panel = ["scratch", "images_1k", "images_2k", "images_3k", "images_4k"]
    used = [python_trend(kept[kept["distribution"] == name], "probit", "macro_f1")[1] for name in first_panel]
    assert drawn_points(tab) == sum(used) < before
    assert f"Picked out: {len(kept)} of {len(scores)} checkpoints" in tab.locator("#summary").inner_text()
    assert " to " not in tab.locator('[data-series="scratch"]').inner_text()  # intervals are of all architectures

    after(tab, lambda: tab.locator('[data-series="images_2k"] input').uncheck())
    assert drawn_points(tab) == sum(used) - used[2]
    assert trend_rows(tab).loc["images_2k", "used"] == 0
    after(tab, lambda: tab.get_by_role("button", name="None").last.click())
    assert drawn_points(tab) == drawn_points(tab, 1) == 0
    after(tab, lambda: tab.get_by_role("button", name="All").last.click())
    assert drawn_points(tab) == sum(used)


def test_why_there_is_no_trend_is_said(browser, study, tmp_path):
    scores = read_scores(study["scores"])
    single = scores[
        (scores["distribution"] != "scratch") | ((scores["architecture"] == "network_0") & (scores["seed"] == 0))
    ]
    single.to_csv(tmp_path / "scores.csv", index=False)
    arguments = study | {"scores": tmp_path / "scores.csv", "page": tmp_path / "page.html"}
    write_page(**arguments)
    page = browser.new_page()
    open_view(page, arguments, "fig2")
    assert "a single run says nothing about other runs" in page.locator('[data-series="scratch"]').inner_text()
    page.close()


def places_in_window(page, chart, scale):
    """Functions from a score to pixels of the window, along x and y, read off the labels of the axes."""
    maps = []
    for orient, axis in ((0, "x"), (1, "y")):
        labels = page.locator(".chart").nth(chart).locator("g.role-axis-label").nth(orient).locator("text")
        ticks = []
        for place in range(labels.count()):
            box = labels.nth(place).bounding_box()
            middle = box["x"] + box["width"] / 2 if axis == "x" else box["y"] + box["height"] / 2
            ticks.append((scale(float(labels.nth(place).text_content())), middle))
        at, pixels = np.array(ticks).T
        slope, intercept = np.polyfit(at, pixels, 1)
        np.testing.assert_allclose(slope * at + intercept, pixels, atol=1.5)  # the labels are where their scores are
        maps.append((slope, intercept))
    return lambda id_f1, ood_f1: [
        slope * scale(score) + intercept for (slope, intercept), score in zip(maps, (id_f1, ood_f1), strict=True)
    ]


def lonely(scores, place):
    """Checkpoints that have no other within 8 pixels, with where they are."""
    drawn = scores[(scores[["id_macro_f1", "ood_macro_f1"]] > 0).all(axis=1)].reset_index(drop=True)
    where = np.array([place(*row) for row in drawn[["id_macro_f1", "ood_macro_f1"]].to_numpy()])
    distances = np.hypot(*(where[:, None] - where[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(where))
    alone = distances.min(axis=1) > 8
    return drawn[alone], where[alone]


def test_pointing_at_a_checkpoint_shows_its_run_and_scores(tab, scores):
    first_panel = ["scratch", "images_1k", "images_2k", "images_3k", "images_4k"]
    place = places_in_window(tab, 0, norm.ppf)
    rows, where = lonely(scores[scores["distribution"].isin(first_panel)], place)
    assert len(rows) >= 5
    for (_, row), (x, y) in list(zip(rows.iterrows(), where, strict=True))[:5]:
        tab.mouse.move(x, y)
        words = tab.locator("#tip").inner_text()
        assert f"Pre-trained on {row['distribution'].replace('_', ' ')}" in words
        assert f"Network ({row['architecture']}), seed {row['seed']}, epoch {row['epoch']}" in words
        expected = f"In distribution: macro F1 {row['id_macro_f1']:.4f}, accuracy {row['id_accuracy']:.4f}"
        assert expected in words
        assert f"Out of distribution: macro F1 {row['ood_macro_f1']:.4f}" in words
    tab.mouse.move(5, 5)
    assert tab.locator("#tip").is_hidden()


def test_a_click_opens_the_curves_of_the_run(tab, scores, study):
    rows, where = lonely(
        scores[scores["distribution"].isin(["scratch", *(f"images_{k}k" for k in range(1, 5))])],
        places_in_window(tab, 0, norm.ppf),
    )
    chosen = next(i for i, name in enumerate(rows["distribution"]) if name != "scratch")
    row = rows.iloc[chosen]
    tab.mouse.click(*where[chosen])
    tab.wait_for_function("document.querySelectorAll('#run .curve svg').length === 5")
    assert f"Network ({row['architecture']}), seed {row['seed']}" in tab.locator("#run-title").inner_text()
    said = [tab.locator("#run .curve").nth(place).get_attribute("aria-label") for place in range(5)]
    curves = read_curves(study["curves"])
    curves = curves[
        (curves[["distribution", "architecture", "seed"]] == row[["distribution", "architecture", "seed"]]).all(axis=1)
    ]
    drawn = (("pretrain", "loss"), ("pretrain", "held_out_accuracy"), ("finetune", "loss"))
    for (stage, column), words in zip(drawn, said, strict=False):
        values = curves.loc[curves["stage"] == stage, column]
        ends = re.findall(r"(?:Loss|Accuracy): (\S+) after.*, (\S+) after", words)[0]
        assert list(map(float, ends)) == pytest.approx([values.iloc[0], values.iloc[-1]], rel=1e-3)
    assert said[1].startswith("Pre-training: accuracy on held-out images.")
    own = scores[
        (scores[["distribution", "architecture", "seed"]] == row[["distribution", "architecture", "seed"]]).all(axis=1)
    ]
    assert said[3].startswith("Macro F1 score by epoch of fine-tuning.")
    assert f"{own.iloc[-1]['ood_macro_f1']:.4g} after epoch 4" in said[3]
    assert "120 of 300 epochs are drawn" in tab.locator("#run").inner_text()


def test_everything_can_be_done_with_the_keyboard(tab, scores):
    tab.locator(".chart").first.focus()
    tab.keyboard.press("Home")
    own = scores[(scores["distribution"] == "scratch") & (scores["id_macro_f1"] > 0) & (scores["ood_macro_f1"] > 0)]
    own = own.sort_values("id_macro_f1")
    for expected in own["id_macro_f1"].iloc[:3]:
        spoken = tab.locator("#spoken").inner_text()
        assert f"In distribution: macro F1 {expected:.4f}" in spoken
        assert spoken.startswith("Pre-trained on scratch")
        tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    assert tab.locator("#spoken").inner_text().startswith("Pre-trained on images 1k")
    tab.keyboard.press("Enter")
    assert tab.locator("#run").is_visible()
    assert "Pre-trained on images 1k" in tab.locator("#run-title").inner_text()
    tab.keyboard.press("Escape")
    assert tab.locator("#run").is_hidden()
    assert tab.evaluate("document.activeElement.className") == "chart"

    tab.locator('[data-series="images_1k"] input').focus()
    after(tab, lambda: tab.keyboard.press("Space"))
    assert trend_rows(tab).loc["images_1k", "used"] == 0
    assert tab.evaluate("document.activeElement.closest('tbody').dataset.series") == "images_1k"  # focus stays
    reached = set()
    tab.locator("#view").focus()
    for _ in range(30):
        reached.add(
            tab.evaluate(
                "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
            )
        )
        tab.keyboard.press("Tab")
    assert {"view", "metric", "scale", "zoom", "chart", "INPUT", "SUMMARY"} <= reached


def test_the_table_pages_sorts_and_saves_what_is_shown(tab, scores):
    after(tab, lambda: tab.get_by_label("Network (network_1)").uncheck())
    tab.locator("#table summary").click()
    shown = scores[scores["distribution"].isin(trend_rows(tab).index) & (scores["architecture"] != "network_1")]
    assert f"1 to 25 of {len(shown)} checkpoints" in tab.locator("#table").inner_text()
    tab.locator('[data-sort="ood_macro_f1"]').click()
    tab.locator('[data-sort="ood_macro_f1"]').click()
    first = tab.locator("#table tbody tr").first.inner_text()
    assert f"{shown['ood_macro_f1'].max():.4f}" in first
    assert tab.locator('th[aria-sort="descending"]').count() == 1
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download all as CSV").click()
    saved = pd.read_csv(download.value.path())
    key = ["series", "architecture", "seed", "epoch"]
    columns = [*key, *(f"{role}_{metric}" for metric in ("macro_f1", "accuracy") for role in ("id", "ood"))]
    found, expected = (table[columns].sort_values(key, ignore_index=True) for table in (saved, shown))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    tab.locator("#table tbody button").first.click()
    assert tab.locator("#run").is_visible()


@pytest.mark.parametrize("width", [390, 1366])
def test_nothing_is_wider_than_the_window(browser, study, width):
    page = browser.new_page(viewport={"width": width, "height": 844})
    for view in ("fig4", "all"):
        open_view(page, study, view)
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width
        box = page.locator(".chart").first.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    page.close()
