"""Both pages in a real browser: what a person points at, filters, switches and types, against Python's numbers.

Needs Chromium (Debian: `apt-get install chromium`), or another one named by the environment variable CHROMIUM. Every
test waits, by playwright's `expect`, for the state that it asserts.
"""

import re

import numpy as np
import pandas as pd
import pytest
from made_up_study import chromium, made_up_study
from PIL import Image
from playwright.sync_api import expect, sync_playwright
from scipy.stats import linregress, norm

from pretraining_robustness.evaluate.scores import paired_scores, read_scores
from pretraining_robustness.report.page import write_page
from pretraining_robustness.report.rib_page import write_rib_page
from pretraining_robustness.trends.axis_scales import SCALES
from pretraining_robustness.trends.fit import read_trends

EXECUTABLE = chromium()
PANEL = ["scratch", *(f"images_{thousands}k" for thousands in range(1, 5))]  # of Figure 4, the first

pytestmark = pytest.mark.skipif(EXECUTABLE is None, reason="no Chromium here: install it, or name it in CHROMIUM")
expect.set_options(timeout=30_000)


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
def open_page(browser):
    """Opens a file in a window; afterwards nothing may have gone wrong in it and nothing else been loaded."""
    opened, troubles, requests = [], [], []

    def open_page(path, view="", width=1366):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(30_000)
        page.on("console", lambda said: troubles.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(f"{path.as_uri()}{view}")
        opened.append((page, path.as_uri()))
        return page

    yield open_page
    for page, _ in opened:
        page.close()
    assert troubles == []
    elsewhere = {url for url in requests if not url.startswith(("data:", "blob:", "about:"))}
    assert elsewhere == {url for _, url in opened}


@pytest.fixture
def tab(open_page, study):
    page = open_page(study["page"], "#figure=fig4")
    expect(page.locator(".chart svg")).to_have_count(2)
    return page


def trend_rows(page, names):
    """What the list of series says, unrounded, once it has these series."""
    expect(page.locator("[data-series]")).to_have_count(len(names))
    rows = page.eval_on_selector_all("[data-series]", "rows => rows.map(row => ({...row.dataset}))")
    return pd.DataFrame(rows).set_index("series").apply(pd.to_numeric)


def python_trend(scores, scale, metric="macro_f1"):
    """The trend that Python fits to some checkpoints, and how many of them have a place on the axes."""
    x, y = scores[f"id_{metric}"].to_numpy(), scores[f"ood_{metric}"].to_numpy()
    kept = SCALES[scale].representable(x) & SCALES[scale].representable(y)
    return linregress(SCALES[scale].forward(x[kept]), SCALES[scale].forward(y[kept])), int(kept.sum())


def points(page, chart=0):
    return page.locator(".chart").nth(chart).locator("g.checkpoints_marks path")


def assert_same_trends(page, scores, scale, metric="macro_f1"):
    """Every series has Python's trend; returns how many checkpoints have no place on the axes."""
    names = list(scores["distribution"].unique())
    used = {name: python_trend(scores[scores["distribution"] == name], scale, metric) for name in names}
    for name, (_, count) in used.items():
        expect(page.locator(f'[data-series="{name}"]')).to_have_attribute("data-used", str(count))
    rows = trend_rows(page, names)
    for name, (line, _) in used.items():
        found = rows.loc[name, ["slope", "intercept", "r2"]].to_numpy(dtype=float)
        np.testing.assert_allclose(found, [line.slope, line.intercept, line.rvalue**2], rtol=1e-9, atol=1e-12)
    return len(scores) - sum(count for _, count in used.values())


def test_the_page_opens_on_the_figure_with_its_note(tab):
    expect(tab).to_have_title("Results of the study “made up”")
    expect(tab.locator("#title")).to_have_text("Made-up figure fig4")
    expect(tab.locator("#note")).to_contain_text("not the results of anything")


@pytest.mark.parametrize("metric", ["macro_f1", "accuracy"])
@pytest.mark.parametrize("scale", ["linear", "logit", "probit"])
def test_trends_of_any_score_on_any_axes_are_pythons(tab, scores, scale, metric):
    tab.locator("[name=metric]").select_option(metric)
    tab.locator("[name=scale]").select_option(scale)
    expect(tab).to_have_url(re.compile(f"score={metric}&axes={scale}"))
    excluded = assert_same_trends(tab, scores, scale, metric)
    assert (excluded > 0) == (metric == "macro_f1" and scale != "linear")
    words = f"Neither drawn nor fitted: {excluded} checkpoint"
    (
        expect(tab.locator("#summary")).to_contain_text
        if excluded
        else expect(tab.locator("#summary")).not_to_contain_text
    )(words)


def test_trends_are_those_of_the_trend_table_with_its_intervals(tab, study):
    trends = read_trends(study["trends"])
    trends = trends[(trends["figure"] == "fig4") & (trends["scale"] == "probit")].set_index("series")
    rows = trend_rows(tab, trends.index)
    np.testing.assert_allclose(rows["slope"], trends["slope"].reindex(rows.index), rtol=1e-9)
    low, high = trends.loc["scratch", ["slope_low", "slope_high"]]
    expect(tab.locator('[data-series="scratch"]')).to_contain_text(f"{low:.2f} to {high:.2f}")


def test_filters_take_checkpoints_away_and_the_trend_moves(tab, scores):
    before = points(tab).count()
    tab.get_by_label("Network (network_1)").uncheck()
    kept = scores[scores["architecture"] != "network_1"]
    assert_same_trends(tab, kept, "probit")
    used = [python_trend(kept[kept["distribution"] == name], "probit")[1] for name in PANEL]
    assert sum(used) < before
    expect(points(tab)).to_have_count(sum(used))
    expect(tab.locator("#summary")).to_contain_text(f"Shown: {len(kept)} of {len(scores)} checkpoints")
    expect(tab.locator('[data-series="scratch"]')).not_to_contain_text(" to ")  # intervals are of all architectures

    tab.locator('[data-series="images_2k"] input').uncheck()
    expect(tab.locator('[data-series="images_2k"]')).to_have_attribute("data-used", "0")
    expect(points(tab)).to_have_count(sum(used) - used[2])
    tab.get_by_role("button", name="None").last.click()
    for chart in (0, 1):
        expect(points(tab, chart)).to_have_count(0)
    tab.get_by_role("button", name="All", exact=True).last.click()
    expect(points(tab)).to_have_count(sum(used))


def test_why_there_is_no_trend_is_said(open_page, study, tmp_path):
    scores = read_scores(study["scores"])
    single = scores[
        (scores["distribution"] != "scratch") | ((scores["architecture"] == "network_0") & (scores["seed"] == 0))
    ]
    single.to_csv(tmp_path / "scores.csv", index=False)
    write_page(**study | {"scores": tmp_path / "scores.csv", "page": tmp_path / "page.html"})
    page = open_page(tmp_path / "page.html", "#figure=fig2")
    expect(page.locator('[data-series="scratch"]')).to_contain_text("a single run says nothing about other runs")


def places_in_window(page):
    """A function from a pair of scores to pixels of the window, read off the labels of the first chart's axes."""
    lines = []
    for orient, side in ((0, "x"), (1, "y")):
        labels = page.locator(".chart").first.locator("g.role-axis-label").nth(orient).locator("text")
        expect(labels.nth(2)).to_be_visible()
        ticks = []
        for label in labels.all():
            box = label.bounding_box()
            middle = box[side] + box["width" if side == "x" else "height"] / 2
            ticks.append((norm.ppf(float(label.text_content())), middle))
        at, pixels = np.array(ticks).T
        lines.append(np.polyfit(at, pixels, 1))
        np.testing.assert_allclose(np.polyval(lines[-1], at), pixels, atol=1.5)  # labels are where their scores are
    return lambda *scores: [np.polyval(line, norm.ppf(score)) for line, score in zip(lines, scores, strict=True)]


def lonely(page, scores):
    """Checkpoints of the first chart that have no other within 8 pixels, with where they are."""
    place = places_in_window(page)
    drawn = scores[scores["distribution"].isin(PANEL) & (scores[["id_macro_f1", "ood_macro_f1"]] > 0).all(axis=1)]
    where = np.array([place(*row) for row in drawn[["id_macro_f1", "ood_macro_f1"]].to_numpy()])
    distances = np.hypot(*(where[:, None] - where[None]).transpose(2, 0, 1)) + 1e9 * np.eye(len(where))
    alone = distances.min(axis=1) > 8
    return [row for _, row in drawn[alone].iterrows()], where[alone]


def test_pointing_at_a_checkpoint_shows_its_run_and_scores(tab, scores):
    rows, where = lonely(tab, scores)
    assert len(rows) >= 5
    tip = tab.locator("#vg-tooltip-element")
    for row, (x, y) in list(zip(rows, where, strict=True))[:5]:
        tab.mouse.move(x, y)
        expect(tip).to_contain_text(f"Network ({row['architecture']}), seed {row['seed']}, epoch {row['epoch']}")
        expect(tip).to_contain_text(f"Pre-trained on {row['distribution'].replace('_', ' ')}")
        expect(tip).to_contain_text(f"macro F1 {row['id_macro_f1']:.4f}, accuracy {row['id_accuracy']:.4f}")
        expect(tip).to_contain_text(f"macro F1 {row['ood_macro_f1']:.4f}")
    tab.mouse.move(5, 5)
    expect(tip).not_to_be_visible()


def test_a_click_opens_the_curves_of_the_run(tab, scores, study):
    rows, where = lonely(tab, scores)
    chosen = next(place for place, row in enumerate(rows) if row["distribution"] != "scratch")
    row = rows[chosen]
    tab.mouse.click(*where[chosen])
    expect(tab.locator("#run-title")).to_contain_text(f"Network ({row['architecture']}), seed {row['seed']}")
    expect(tab.locator("#run svg")).to_have_count(1)
    expect(tab.locator("#run")).to_contain_text("120 of 300 epochs are drawn")
    said = tab.locator("#run .curves").get_attribute("aria-label")
    key = ["distribution", "architecture", "seed"]
    curves = pd.read_csv(study["curves"])
    curves = curves[(curves[key] == row[key]).all(axis=1)]
    drawn = {
        "Pre-training: training loss, Pre-training": ("pretrain", "loss"),
        "Pre-training: accuracy on held-out images, Pre-training": ("pretrain", "held_out_accuracy"),
        "Fine-tuning: training loss, Fine-tuning": ("finetune", "loss"),
    }
    for words, (stage, column) in drawn.items():
        values = curves.loc[curves["stage"] == stage, column]
        ends = re.search(rf"{words}: (\S+) after epoch 1, (\S+) after", said).groups()
        assert list(map(float, ends)) == pytest.approx([values.iloc[0], values.iloc[-1]], rel=1e-3)
    last = scores[(scores[key] == row[key]).all(axis=1)].iloc[-1]["ood_macro_f1"]
    ending = re.search(r"Macro F1 score .*?, Out of distribution: .*? after epoch 1, (\S+) after epoch 4", said).group(
        1
    )
    assert float(ending) == pytest.approx(last, rel=1e-3)


def test_everything_can_be_done_with_the_keyboard(tab, scores):
    chart, spoken = tab.locator(".chart").first, tab.locator("#spoken")
    chart.focus()
    tab.keyboard.press("Home")
    own = scores[(scores["distribution"] == "scratch") & (scores["id_macro_f1"] > 0) & (scores["ood_macro_f1"] > 0)]
    for expected in sorted(own["id_macro_f1"])[:3]:
        expect(spoken).to_contain_text(f"In distribution: macro F1 {expected:.4f}")
        tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowDown")
    expect(spoken).to_contain_text("Pre-trained on images 1k")
    tab.keyboard.press("Enter")
    expect(tab.locator("#run-title")).to_contain_text("Pre-trained on images 1k")
    expect(tab.locator("#run")).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.locator("#run")).to_be_hidden()
    expect(chart).to_be_focused()

    tab.locator('[data-series="images_1k"] input').focus()
    tab.keyboard.press("Space")
    expect(tab.locator('[data-series="images_1k"]')).to_have_attribute("data-used", "0")
    expect(tab.locator('[data-series="images_1k"] input')).to_be_focused()  # though it was drawn anew
    for place in [*(tab.locator(f"[name={name}]") for name in ("metric", "scale", "trends", "zoom")), chart]:
        place.evaluate("one => one.tabIndex >= 0 || one.tagName") or pytest.fail("not in the order of Tab")


def test_the_table_pages_sorts_and_saves_what_is_shown(tab, scores):
    tab.get_by_label("Network (network_1)").uncheck()
    shown = scores[scores["architecture"] != "network_1"]
    expect(tab.locator("#summary")).to_contain_text(f"Shown: {len(shown)} of")
    tab.locator("#table summary").click()
    expect(tab.locator("#table [role=status]")).to_have_text(f"1 to 25 of {len(shown)} checkpoints")
    tab.locator('[data-sort="ood_macro_f1"]').click()
    expect(tab.locator('th[aria-sort="ascending"] [data-sort="ood_macro_f1"]')).to_be_visible()
    tab.locator('[data-sort="ood_macro_f1"]').click()
    expect(tab.locator('th[aria-sort="descending"] [data-sort="ood_macro_f1"]')).to_be_visible()
    expect(tab.locator("#table tbody tr").first).to_contain_text(f"{shown['ood_macro_f1'].max():.4f}")
    tab.get_by_role("button", name="Next").click()
    expect(tab.locator("#table [role=status]")).to_have_text(f"26 to 50 of {len(shown)} checkpoints")
    with tab.expect_download() as download:
        tab.get_by_role("button", name="Download all as CSV").click()
    saved = pd.read_csv(download.value.path())
    key = ["series", "architecture", "seed", "epoch"]
    columns = [*key, *(f"{role}_{metric}" for metric in ("macro_f1", "accuracy") for role in ("id", "ood"))]
    found, expected = (table[columns].sort_values(key, ignore_index=True) for table in (saved, shown))
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    tab.locator("#table tbody button").first.click()
    expect(tab.locator("#run-title")).to_be_visible()


@pytest.mark.parametrize("width", [390, 1366])
@pytest.mark.parametrize("view", ["fig4", "all"])
def test_the_window_is_used_and_nothing_is_wider(open_page, study, width, view):
    page = open_page(study["page"], f"#figure={view}", width=width)
    expect(page.locator(".chart svg").last).to_be_visible()
    assert page.evaluate("document.scrollingElement.scrollWidth") <= width
    room = page.locator("#panels").bounding_box()
    boxes = [chart.bounding_box() for chart in page.locator(".chart svg").all()]
    assert max(box["x"] + box["width"] for box in boxes) <= width
    assert max(box["x"] + box["width"] for box in boxes) - room["x"] > 0.85 * room["width"]


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
        **{"figures_shown": ["A figure"], "tables_shown": ["A table"], "study": "made up", "note": "Drawn, not real"},
        page=tmp_path / "page.html",
    )
    return tmp_path / "page.html"


def test_the_page_of_imagenet_rib_shows_what_is_chosen(open_page, rib_page):
    page = open_page(rib_page)
    cells = page.locator("#matrix .mark-text.role-mark text")
    expect(cells).to_have_text(["+16.0", "−8.0", "−6.0", "+14.0"])
    page.get_by_label("Method").select_option("LoRA")
    expect(cells).to_have_text(["+1.6", "−0.8", "−0.6", "+1.4"])
    expect(page.locator("#note")).to_have_text("Drawn, not real")
    expect(page.locator("figcaption")).to_have_text("A caption with < and &.")
    assert page.locator("figure img").evaluate("image => image.naturalWidth") == 40
    page.get_by_role("link", name="A table").click()
    expect(page.get_by_role("heading", name="A table")).to_be_in_viewport()
    expect(page.frame_locator("iframe").locator("td")).to_have_text("a & b")
