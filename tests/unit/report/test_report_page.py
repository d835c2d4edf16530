"""The results page: it holds exactly the data given, loads nothing, and its curves are those that training noted."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_study import made_up_study
from scipy.stats import norm

from pretraining_robustness.errors import InputError
from pretraining_robustness.evaluate.scores import PAIRED_COLUMNS, RUN, SCORES, paired_scores, read_scores
from pretraining_robustness.figures.style import REFERENCES, SCRATCH, SERIES
from pretraining_robustness.report import page as page_module
from pretraining_robustness.report.contents import MOST_EPOCHS, page_contents
from pretraining_robustness.report.curves import COLUMNS, collect_curves, read_curves
from pretraining_robustness.report.markers import many_styles, marker_path
from pretraining_robustness.report.page import PROGRAM, write_page
from pretraining_robustness.trends.fit import read_trends


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A made-up study of 8 series, 2 architectures, 2 seeds and 4 epochs, and its page."""
    arguments = made_up_study(tmp_path_factory.mktemp("study"), series=8, architectures=2, seeds=2, epochs=4)
    write_page(**arguments)
    return arguments


@pytest.fixture(scope="module")
def html(study):
    return study["page"].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(html):
    """What the page's own program reads."""
    return json.loads(re.search(r'<script id="data"[^>]*>(.*?)</script>', html, re.DOTALL).group(1))


def scores_of(study):
    return paired_scores(read_scores(study["scores"]), study["pairs"])


def contents_of(study, **changes):
    tables = {"scores": scores_of(study), "trends": read_trends(study["trends"])}
    tables["curves"] = read_curves(study["curves"])
    return page_contents(**{**tables, "figures": study["figures"], "architectures": study["architectures"], **changes})


def test_checkpoints_in_the_page_are_those_of_the_score_table_to_the_last_digit(study, data):
    runs = pd.DataFrame(data["runs"])
    checkpoints = data["checkpoints"]
    found = runs.iloc[checkpoints["run"]].reset_index(drop=True)
    for name in ["epoch", *SCORES]:
        found[name] = checkpoints[name]
    given = scores_of(study).sort_values([*RUN, "epoch"], ignore_index=True)
    pd.testing.assert_frame_equal(found[PAIRED_COLUMNS], given, check_exact=True, check_dtype=False)


def test_places_on_the_axes_are_log_odds_and_normal_quantiles_and_missing_for_0_and_1(data):
    scores = np.array(data["checkpoints"]["id_macro_f1"])
    outside = (scores == 0) | (scores == 1)
    assert outside.any()
    for scale, independent in (("logit", lambda p: np.log(p / (1 - p))), ("probit", norm.ppf)):
        places = data["checkpoints"]["places"][scale]["id_macro_f1"]
        assert [place is None for place in places] == outside.tolist()
        placed = np.array([place for place in places if place is not None])
        np.testing.assert_allclose(placed, independent(scores[~outside]), rtol=1e-12)


def test_ticks_are_labelled_with_the_score_that_lies_there(data):
    for scale in data["scales"]:
        scores, places = np.array([tick for level in scale["ticks"] for tick in level]).T
        back = {"linear": lambda x: x, "logit": lambda x: 1 / (1 + np.exp(-x)), "probit": norm.cdf}[scale["name"]](
            places
        )
        np.testing.assert_allclose(scores, back, atol=1e-12)
        assert len(set(scores)) > 100


def test_views_are_the_figures_and_one_of_all_checkpoints(study, data):
    assert [view["name"] for view in data["views"]] == ["fig2", "fig4", "all"]
    fig4, everything = data["views"][1:]
    assert [panel["series"] for panel in fig4["panels"]] == [panel["series"] for panel in study["figures"][1]["panels"]]
    assert sorted(everything["panels"][0]["series"]) == sorted(scores_of(study)["series"].unique())
    assert {view["note"] for view in data["views"]} == {"Made up: not the results of anything."}
    assert fig4["styles"]["scratch"][:2] == everything["styles"]["scratch"][:2] == [SCRATCH.colour, SCRATCH.marker]
    assert "accuracy" in fig4["x_labels"]["accuracy"]


def test_intervals_are_those_of_the_trend_table(study, data):
    trends = read_trends(study["trends"])
    row = trends[(trends["figure"] == "fig4") & (trends["series"] == "scratch") & (trends["scale"] == "logit")].iloc[0]
    interval = data["views"][1]["intervals"]["scratch"]["logit"]
    assert interval == [row["slope"], row["slope_low"], row["slope_high"]]


def test_a_figure_of_accuracy_opens_on_accuracy(study):
    words = {"metric": "accuracy", "x_label": "In-distribution accuracy (Camera traps)"}
    view = contents_of(study, figures=[study["figures"][0] | words])["views"][0]
    assert view["metric"] == "accuracy"
    assert view["x_labels"]["accuracy"] == "In-distribution accuracy (Camera traps)"
    assert view["x_labels"]["macro_f1"] == "In-distribution macro F1 score (Camera traps)"


def test_a_missing_score_is_nothing_and_not_a_number(study):
    scores = scores_of(study)
    scores.loc[5, "id_accuracy"] = np.nan
    checkpoints = contents_of(study, scores=scores)["checkpoints"]
    json.dumps(checkpoints, allow_nan=False)
    assert checkpoints["id_accuracy"].count(None) == checkpoints["places"]["logit"]["id_accuracy"].count(None) == 1


def test_the_page_loads_nothing_from_anywhere(html):
    policies = re.findall(r'Content-Security-Policy"\s+content="(.*?)"', html)
    assert len(policies) == 1
    assert policies[0].startswith("default-src 'none';")  # the browser itself refuses whatever is not named after
    assert "http" not in policies[0]
    assert re.findall(r"<[^>]* (?:src|href)=\"(.*?)\"", html.partition("<script")[0]) == ["data:,"]  # its icon


def test_the_page_is_small_and_the_same_bytes_again(study, tmp_path):
    write_page(**study | {"page": tmp_path / "again.html"})
    assert (tmp_path / "again.html").read_bytes() == study["page"].read_bytes()
    assert study["page"].stat().st_size < 2_000_000


def test_a_page_too_large_for_a_browser_is_refused(study, tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "MOST_BYTES", 1000)
    with pytest.raises(InputError, match="split the study"):
        write_page(**study | {"page": tmp_path / "large.html"})
    assert not (tmp_path / "large.html").exists()


def test_names_cannot_end_the_script_that_holds_them(study, tmp_path):
    bad = "</script><img src=x>"
    write_page(**study | {"page": tmp_path / "bad.html", "config": bad, "study": bad})
    text = (tmp_path / "bad.html").read_text(encoding="utf-8")
    assert "<img src=x>" not in text
    assert text.count("</script>") == 3


def test_the_program_is_of_checked_types_without_faults_of_style():
    folder = Path(page_module.__file__).parent
    assert sorted(path.name for path in folder.glob("*.js")) == sorted(PROGRAM)
    assert all(path.read_text(encoding="utf-8").startswith("// @ts-check") for path in folder.glob("*.js"))
    deno = Path(sys.executable).with_name("deno")
    for command in (["check", "main.js"], ["lint"]):
        done = subprocess.run([deno, *command], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_parts_of_the_program_share_no_names():
    """They are put into one script, where no two may declare the same name."""
    folder = Path(page_module.__file__).parent
    declared = [
        name
        for part in PROGRAM
        for line in re.findall(
            r"^(?:export )?(?:async )?(?:const|let|function) (.+)", (folder / part).read_text(), re.MULTILINE
        )
        for name in re.findall(r"\w+", re.split(r"[=(]", line)[0])
    ]
    assert len(declared) == len(set(declared)) > 30


def test_scores_of_several_tasks_need_figures_that_name_theirs(study):
    scores = scores_of(study)
    both = pd.concat([scores, scores.assign(task="other_task")])
    unnamed = [{name: value for name, value in figure.items() if name != "task"} for figure in study["figures"]]
    with pytest.raises(InputError, match="does not say which"):
        contents_of(study, scores=both, figures=unnamed)
    contents = contents_of(study, scores=both)
    assert [view["name"] for view in contents["views"]] == ["fig2", "fig4", "all_camera_traps", "all_other_task"]
    assert contents["views"][3]["intervals"] == {}  # of a task without a figure nothing was fitted


def test_markers_are_matplotlibs(data):
    def corners(marker):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", marker_path(marker))]
        return {(x, y) for x, y in zip(numbers[::2], numbers[1::2], strict=True)}

    assert corners("s") == {(-1, -1), (1, -1), (1, 1), (-1, 1)}
    assert corners("D") == {(0, 1.4142), (1.4142, 0), (0, -1.4142), (-1.4142, 0)}
    assert corners("^") == {(0, -1), (-1, 1), (1, 1)}  # y is downwards: the tip is above
    assert corners("v") == {(x, -y) for x, y in corners("^")}
    assert marker_path("o").count("C") == 8
    assert set(data["markers"]) == {style[1] for view in data["views"] for style in view["styles"].values()}


def test_many_series_have_a_colour_and_marker_of_their_own():
    names = [f"series_{place}" for place in range(49)]
    styles = many_styles(["scratch", "first", *names], ["scratch", "first"])
    assert len({(style.colour, style.marker) for style in styles.values()}) == 51
    assert styles["scratch"] == SCRATCH
    assert styles["first"] == REFERENCES[0]
    assert styles[names[0]] == SERIES[0]


RUN_OF = {"stage": "pretrain", "distribution": "d", "architecture": "a", "seed": 0}


def write_metrics(path, epochs=3, **changes):
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = dict.fromkeys(COLUMNS[7:-2], 0.5) | changes
    pd.DataFrame({"epoch": range(1, epochs + 1), **columns}).to_csv(path, index=False)
    return path


def test_curves_are_joined_with_what_snakemake_measured(tmp_path):
    first = write_metrics(tmp_path / "a" / "metrics.csv", loss=2.25)
    second = write_metrics(tmp_path / "b" / "metrics.csv", epochs=2)
    benchmark = tmp_path / "a.tsv"
    benchmark.write_text("s\th:m:s\tmax_rss\tcpu_time\n8.15\t0:00:08\t914.82\t7.5\n", encoding="utf-8")
    run = {"distribution": "imagenet_5k", "architecture": "resnet10", "seed": 1}
    runs = [
        {"stage": "pretrain", "task": "", "benchmark": benchmark, **run},
        {"stage": "finetune", "task": "iwildcam", "benchmark": tmp_path / "missing.tsv", **run},
    ]
    collect_curves([first, second], tmp_path / "curves.csv", runs=runs)
    table = read_curves(tmp_path / "curves.csv")
    assert table["stage"].tolist() == ["finetune"] * 2 + ["pretrain"] * 3
    assert table["task"].tolist() == ["iwildcam"] * 2 + [""] * 3
    assert table["loss"].tolist() == [0.5, 0.5, 2.25, 2.25, 2.25]
    pretrained = table[table["stage"] == "pretrain"]
    assert pretrained[["job_seconds", "job_max_rss_mb"]].drop_duplicates().to_numpy().tolist() == [[8.15, 914.82]]
    assert table.loc[table["stage"] == "finetune", "job_seconds"].isna().all()


def test_a_benchmark_without_memory_leaves_it_empty(tmp_path):
    metrics = write_metrics(tmp_path / "metrics.csv")
    (tmp_path / "short.tsv").write_text("s\tmax_rss\n0.2\t-\n", encoding="utf-8")
    run = {**RUN_OF, "benchmark": tmp_path / "short.tsv"}
    collect_curves([metrics], tmp_path / "curves.csv", runs=[run])
    table = read_curves(tmp_path / "curves.csv")
    assert table["job_seconds"].eq(0.2).all()
    assert table["job_max_rss_mb"].isna().all()


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "not a readable table"), ("epoch,images\n1,2\n", "has no column loss"), (None, "there is no such file")],
)
def test_metrics_that_are_no_metrics_are_named(tmp_path, text, message):
    path = tmp_path / "metrics.csv"
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message) as error:
        collect_curves([path], tmp_path / "curves.csv", runs=[RUN_OF])
    assert str(path) in str(error.value)
    assert not (tmp_path / "curves.csv").exists()


def test_a_run_of_no_stage_and_lists_of_two_lengths_are_refused(tmp_path):
    path = write_metrics(tmp_path / "metrics.csv")
    with pytest.raises(InputError, match="not a stage of training"):
        collect_curves([path], tmp_path / "curves.csv", runs=[{**RUN_OF, "stage": "evaluate"}])
    with pytest.raises(InputError, match="1 metrics files for 0 runs"):
        collect_curves([path], tmp_path / "curves.csv", runs=[])


def test_long_curves_are_thinned_out_evenly_with_both_ends(study, data):
    pretrained = next(curve for curve in data["curves"] if curve["stage"] == "pretrain")
    assert pretrained["epochs"] == 300
    assert len(pretrained["epoch"]) == MOST_EPOCHS
    assert (pretrained["epoch"][0], pretrained["epoch"][-1]) == (1, 300)
    assert set(np.diff(pretrained["epoch"])) <= {2, 3}
    table = read_curves(study["curves"])
    key = {name: pretrained[name] for name in ("stage", "distribution", "architecture", "seed")}
    own = table[(table[list(key)] == pd.Series(key)).all(axis=1)].set_index("epoch")
    np.testing.assert_allclose(own.loc[pretrained["epoch"], "loss"], pretrained["loss"], rtol=1e-4)
