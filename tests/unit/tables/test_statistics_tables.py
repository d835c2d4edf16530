"""Tables of trends, contrasts and robustness: their numbers against fits made here, and what has no number."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from score_tables import PAIRS, paired, write_score_table

from pretraining_robustness.errors import InputError
from pretraining_robustness.tables.words import estimate, number, p_value
from pretraining_robustness.trends.comparisons import (
    COMPARISON_COLUMNS,
    CONTRAST_COLUMNS,
    compare_series,
    read_comparisons,
    read_contrasts,
)
from pretraining_robustness.trends.effective_robustness import SERIES_COLUMNS, effective_robustness
from pretraining_robustness.trends.fit import TREND_COLUMNS, fit_trends, read_trends

LABELS = {"scratch": "From scratch", "full": "All & more", "few": "Few images", "single": "A single run"}
NAN = float("nan")
FIGURES = dict.fromkeys(["fig4", "a", "b"], "Number of images")


def table(kind, **more):
    words = {"figures": FIGURES, "tasks": {"camera": "Camera traps"}, "labels": LABELS, "confidence": 0.95}
    return {"name": "t", "kind": kind, "title": "T", "note": None, **words, **more}


def scores(series=("scratch", "full", "few"), seeds=(0, 1), task="camera"):
    """Checkpoints around lines on probit axes, with the same noise whenever they are made."""
    generator = np.random.default_rng(3)
    rows = []
    for place, name in enumerate(series):
        for architecture in ("small", "large"):
            for seed in (0,) if name == "single" else seeds:
                for epoch in range(1, 5):
                    x = -1 + 0.3 * epoch + 0.1 * generator.normal()
                    y = -0.3 + 0.2 * place + 0.7 * x + 0.1 * generator.normal()
                    if name == "single" and architecture == "large":
                        continue
                    found = (norm.cdf(x), norm.cdf(y))
                    rows.append((task, name, architecture, seed, epoch, *found, *found))
    return paired(rows)


def line(rows):
    """Slope and intercept on probit axes."""
    return np.polyfit(norm.ppf(rows["id_macro_f1"]), norm.ppf(rows["ood_macro_f1"]), 1)


def numbers(text):
    return [float(found) for found in re.findall(r"[-+]?\d+\.\d+", text.replace("\N{MINUS SIGN}", "-"))]


# Numbers in words


def test_numbers_are_rounded_and_what_is_missing_is_a_dash():
    assert [number(0.125, 1), number(-0.04, 1), number(0.04, 1, sign=True), number(NAN)] == ["0.1", "0.0", "0.0", "–"]
    assert [number(0.0312, 1, sign=True, factor=100), number(-0.0312, 1, sign=True, factor=100)] == ["+3.1", "-3.1"]
    assert estimate(0.5, -0.25, 1.0) == "0.50\n[-0.25, 1.00]"
    assert estimate(0.5, NAN, 1.0) == "0.50"  # half an interval is none
    assert estimate(NAN, NAN, NAN) == "–"
    assert [p_value(value) for value in (0.0004, 0.0006, 0.25, 1.0, NAN)] == ["< 0.001", "0.001", "0.250", "1.000", "–"]


# Trends


def fitted(folder, figure, checkpoints, series):
    write_score_table(checkpoints, folder / f"{figure}_scores.csv")
    fit_trends(
        folder / f"{figure}_scores.csv",
        folder / f"{figure}.csv",
        folder / f"{figure}_bands.csv",
        figure=figure,
        series=series,
        pairs=PAIRS,
        scales=["linear", "probit"],
        resamples=20,
        confidence=0.95,
        seed=0,
    )
    return read_trends(folder / f"{figure}.csv")


@pytest.fixture
def trends(tmp_path):
    """Three figures: two of one task with the series `scratch` in both, and one of another task."""
    camera, sketch = scores(), scores(("scratch",), seeds=(0, 1, 2), task="sketch")
    frames = [
        fitted(tmp_path, "fig2", camera, ["scratch", "full"]),
        fitted(tmp_path, "fig3", sketch, ["scratch"]),
        fitted(tmp_path, "fig4", pd.concat([camera, scores(("single",))]), ["scratch", "single", "few"]),
    ]
    pd.concat(frames, ignore_index=True).to_csv(tmp_path / "trends.csv", index=False)
    return tmp_path / "trends.csv"


TASKS = {"fig2": "Camera traps", "fig3": "Sketches", "fig4": "Camera traps"}


def test_trends_are_those_of_the_scale_with_each_series_once_a_task(trends, tmp_path, make):
    made = make(table("fitted_trends", scale="probit", tasks=TASKS), trends=[trends])
    facts = pd.read_csv(tmp_path / "t.csv", keep_default_na=False)
    assert facts[["task", "series", "figures"]].to_numpy().tolist() == [
        ["Camera traps", "scratch", "fig2; fig4"],
        ["Camera traps", "full", "fig2"],
        ["Camera traps", "single", "fig4"],
        ["Camera traps", "few", "fig4"],
        ["Sketches", "scratch", "fig3"],
    ]
    assert set(facts["scale"]) == {"probit"}
    rows = made.body
    assert [row[0] for row in rows if len(row) == 1] == [
        "Camera traps, macro F1 score on probit axes",
        "Sketches, macro F1 score on probit axes",
    ]
    camera = scores()
    for name in ("full", "few"):
        slope, intercept = line(camera[camera["distribution"] == name])
        row = made.row(LABELS[name])
        assert numbers(row[2])[0] == pytest.approx(slope, abs=0.0051)
        assert numbers(row[3])[0] == pytest.approx(intercept, abs=0.0051)
        assert row[5:8] == ["16", "4", "0"]
        exact = facts.set_index("series").loc[name]
        assert [float(exact["slope"]), float(exact["intercept"])] == pytest.approx([slope, intercept], rel=1e-9)
        for cell, parameter in ((row[2], "slope"), (row[3], "intercept")):
            ends = [float(exact[f"{parameter}_{end}"]) for end in ("low", "high")]
            assert numbers(cell)[1:] == pytest.approx(ends, abs=0.0051)
            assert ends[0] < float(exact[parameter]) < ends[1]


@pytest.mark.parametrize("change", ["runs", "scores", "task", "reason", "nothing"])
def test_series_is_in_one_row_only_if_its_trends_are_the_same(tmp_path, change, make):
    camera, tasks = scores(("full", "single")), dict(TASKS)
    name = "single" if change == "reason" else "full"
    other = camera[camera["seed"] == 0] if change == "runs" else camera.copy()
    if change == "scores":
        other["ood_macro_f1"] *= 0.999
    frames = [fitted(tmp_path, figure, rows, [name]) for figure, rows in (("fig2", camera), ("fig4", other))]
    if change == "task":
        tasks["fig4"] = "Sketches"
    if change == "reason":
        frames[1]["note"] = "no trend: another reason"
    pd.concat(frames).to_csv(tmp_path / "trends.csv", index=False)
    made = make(table("fitted_trends", scale="linear", tasks=tasks), trends=[tmp_path / "trends.csv"])
    assert list(made.facts["figures"]) == (["fig2; fig4"] if change == "nothing" else ["fig2", "fig4"])


def test_series_without_a_trend_says_why(trends, tmp_path, make):
    made = make(table("fitted_trends", scale="probit", tasks=TASKS), trends=[trends])
    row = made.row("A single run")
    assert row[2:5] == ["–"] * 3
    assert row[-1] == "not fitted: a single run says nothing about other runs"


# Contrasts


def compared(folder, checkpoints, panels, references=("scratch",), name="fig4", metric="macro_f1"):
    write_score_table(checkpoints, folder / "scores.csv")
    figure = {
        "name": name,
        "title": "Number of images",
        "scale": "probit",
        "task_label": "Camera traps",
        "panels": [{"title": title, "series": series} for title, series in panels],
        "references": list(references),
        "band": "architectures",
        "confidence": 0.95,
        "labels": LABELS,
        "x_label": "x",
        "y_label": "y",
        "metric": metric,
        "pairs": PAIRS,
    }
    files = folder / f"{name}_comparisons.csv", folder / f"{name}_contrasts.csv"
    compare_series(folder / "scores.csv", *files, figure=figure, permutations=50, seed=0, margin=0.02)
    return files


def test_contrasts_stand_by_comparison_with_test_and_conclusion(tmp_path, make):
    camera = scores()
    comparisons, contrasts = compared(tmp_path, camera, [("One", ["full", "few"])])
    made = make(
        table("contrasts", figures={"fig4": "Number of images"}), comparisons=[comparisons], contrasts=[contrasts]
    )
    tests, pairs = read_comparisons(comparisons), read_contrasts(contrasts)
    headings = made.groups
    assert len(headings) == len(tests) == 2
    assert headings[0].startswith("fig4: Number of images | One | all pairs of series.")
    assert headings[1].startswith("fig4: Number of images | One | against From scratch.")
    for heading, test in zip(headings, tests.to_dict("records"), strict=True):
        assert f"p = {test['permutation_p']:.3f} (smallest attainable {test['permutation_smallest_p']:.3g})" in heading
        assert test["conclusion"].replace(" -", " \N{MINUS SIGN}") in heading

    rows = [row for row in made.body if len(row) > 1]
    assert [row[:2] for row in rows] == [
        ["All & more", "Few images"],
        ["All & more", "From scratch"],
        ["Few images", "From scratch"],
    ]
    lines = {name: line(camera[camera["distribution"] == name]) for name in LABELS if name != "single"}
    for row, pair in zip(rows, pairs.to_dict("records"), strict=True):
        x = norm.ppf(pair["id_score"])
        ood = [100 * norm.cdf(np.polyval(lines[pair[place]], x)) for place in ("first", "second")]
        assert numbers(row[2])[0] == pytest.approx(100 * pair["id_score"], abs=0.051)
        assert [float(cell) for cell in row[3:5]] == pytest.approx(ood, abs=0.051)
        assert numbers(row[5])[0] == pytest.approx(ood[0] - ood[1], abs=0.051)
        assert float(row[7]) == pytest.approx(pair["p_holm"], abs=0.00051)
        assert row[8] == pair["verdict"]
        assert numbers(row[9]) == pytest.approx([pair[f"effect_{end}"] for end in ("size", "low", "high")], abs=0.0051)
    facts = pd.read_csv(tmp_path / "t.csv")
    for name in ("difference", "low", "high", "p_holm", "detectable_difference"):
        assert facts[name].to_numpy() == pytest.approx(pairs[name].to_numpy(), rel=1e-14)
    assert facts["permutation_p"].to_numpy() == pytest.approx(tests["permutation_p"].to_numpy()[[0, 1, 1]], rel=1e-14)


def test_comparison_that_cannot_be_made_says_why(tmp_path, make):
    files = compared(tmp_path, scores(("scratch", "single")), [("One", ["single"])])
    made = make(table("contrasts"), comparisons=[files[0]], contrasts=[files[1]])
    heading, row = made.body
    assert heading[0].startswith(
        "fig4: Number of images | One | against From scratch.\nNo permutation test. No comparison"
    )
    assert row[:9] == ["–"] * 9
    assert row[10].startswith(
        "not compared: A single run: no trend: a single run says nothing about other runs; no comp"
    )
    assert len(pd.read_csv(tmp_path / "t.csv")) == 1


def test_pair_without_a_shared_score_says_so(tmp_path, make):
    camera = scores()
    far = camera["distribution"] == "few"
    for name in ("id_macro_f1", "ood_macro_f1"):
        camera.loc[far, name] = norm.cdf(norm.ppf(camera.loc[far, name]) + 3)
    files = compared(tmp_path, camera, [("One", ["full", "few"])], references=())
    made = make(table("contrasts"), comparisons=[files[0]], contrasts=[files[1]])
    heading, row = made.body
    assert "Note: the series share no ID score" in heading[0]
    assert row[:2] == ["All & more", "Few images"]
    assert row[2:8] == ["–"] * 6
    assert row[8] == "cannot be compared"
    assert row[10].startswith("not compared: no ID score in common: 0.")


def test_two_panels_of_one_name_are_refused(tmp_path, make):
    files = compared(tmp_path, scores(), [("One", ["full", "few"]), ("One", ["few", "full"])], references=())
    with pytest.raises(InputError, match=r"figures\.fig4: two panels are called 'One'"):
        make(table("contrasts"), comparisons=[files[0]], contrasts=[files[1]])


def test_metrics_and_axes_of_several_figures_are_told_apart(tmp_path, make):
    camera = scores()
    first = compared(tmp_path, camera, [("One", ["full", "few"])], references=(), name="a")
    second = compared(tmp_path, camera, [("One", ["full", "few"])], references=(), name="b", metric="accuracy")
    comparisons, contrasts = zip(first, second, strict=True)
    notes = make(table("contrasts"), comparisons=comparisons, contrasts=contrasts).notes
    assert "The trends of a are those of the macro F1 score on probit axes." in notes
    assert "The trends of b are those of the accuracy on probit axes." in notes


# Robustness


def measured(folder, checkpoints, baselines):
    write_score_table(checkpoints, folder / "scores.csv")
    effective_robustness(
        folder / "scores.csv",
        folder / "checkpoints.csv",
        folder / "series.csv",
        baselines=baselines,
        scratch="scratch",
        scale="probit",
        confidence=0.95,
        resamples=20,
        seed=0,
        pairs=PAIRS,
    )
    return folder / "series.csv"


def test_robustness_has_the_baselines_side_by_side(tmp_path, make):
    camera = pd.concat([scores(), scores(("single",))])
    series = measured(tmp_path, camera, ["scratch", "full"])
    made = make(table("effective_robustness", tasks={"camera": "Camera traps"}), series=[series])
    rows = made.body
    assert rows[0] == ["Camera traps, macro F1 score, baselines fitted on probit axes"]
    assert [row[0] for row in rows[1:]] == list(LABELS.values())  # in the order of the labels
    own = camera[camera["distribution"] == "few"]
    row = made.row("Few images")
    for place, baseline in ((1, "scratch"), (2, "full")):
        predicted = norm.cdf(np.polyval(line(camera[camera["distribution"] == baseline]), norm.ppf(own["id_macro_f1"])))
        expected = 100 * (own["ood_macro_f1"] - predicted).mean()  # runs have equally many checkpoints
        value, low, high = numbers(row[place])[:3]
        assert value == pytest.approx(expected, abs=0.051)
        assert low < value < high
    other = camera[camera["distribution"] == "scratch"]
    gain = 100 * (own["ood_macro_f1"].mean() - other["ood_macro_f1"].mean())
    assert numbers(row[3])[0] == pytest.approx(gain, abs=0.051)
    assert row[4:6] == ["16", "4"]
    source = pd.read_csv(series).set_index(["series", "baseline"])
    facts = pd.read_csv(tmp_path / "t.csv").set_index("series")
    for name in ("effective_robustness", "low", "high", "p"):
        assert facts.loc["few", f"{name}_against_full"] == source.loc[("few", "full"), name]

    scratch, single = made.row("From scratch"), made.row("A single run")
    assert "[" not in scratch[1]
    assert scratch[3] == "–"
    assert scratch[6] == "against From scratch: the baseline itself, near 0 by construction"
    assert "[" not in single[1] + single[2] + single[3]
    assert "a single run says nothing about other runs: no interval" in single[6].split("\n")  # of both baselines, once


def test_missing_baseline_is_said(tmp_path, make):
    series = measured(tmp_path, scores(), ["single"])
    made = make(table("effective_robustness"), series=[series])
    row = made.row("Few images")
    assert row[1] == "–"
    assert "no baseline: 'single' has no trend: no checkpoints" in row[-1]
    assert numbers(row[2])  # relative robustness needs no baseline


# All three


def ordinary(kind, folder):
    """A table of this kind and its files, of ordinary results."""
    camera = scores()
    if kind == "fitted_trends":
        fitted(folder, "fig2", camera, ["scratch", "full"])
        return table(kind, scale="probit", tasks=TASKS), {"trends": [folder / "fig2.csv"]}
    if kind == "contrasts":
        first, second = compared(folder, camera, [("One", ["full", "few"])])
        return table(kind), {"comparisons": [first], "contrasts": [second]}
    return table(kind), {"series": [measured(folder, camera, ["scratch"])]}


KINDS = {"fitted_trends": TREND_COLUMNS, "contrasts": COMPARISON_COLUMNS, "effective_robustness": SERIES_COLUMNS}


@pytest.mark.parametrize("kind", KINDS)
def test_abbreviations_are_spelled_out(kind, tmp_path, make):
    spec, files = ordinary(kind, tmp_path)
    made = make(spec, **files)
    assert "95 % confidence interval" in made.notes
    words = {"ID": "in-distribution", "OOD": "out-of-distribution", "F1": "harmonic mean", "CR2": "cluster-robust"}
    words |= {"Holm": "corrected for the number of pairs", "points": "hundredths", "Permutation p": "exchanged"}
    shown = "\n".join(cell for row in made.rows for cell in row)
    for short, long in words.items():
        assert long in made.notes or not re.search(rf"\b{short}\b", shown), short


@pytest.mark.parametrize("kind", KINDS)
def test_empty_inputs_give_a_table_that_says_so(kind, tmp_path, make):
    spec, files = ordinary(kind, tmp_path)
    for name, (path,) in files.items():
        columns = CONTRAST_COLUMNS if name == "contrasts" else KINDS[kind]
        pd.DataFrame(columns=columns).to_csv(path, index=False)
    made = make(spec, **files)
    assert re.match("not (fitted|compared|measured): ", made.body[-1][-1])
    assert len(made.facts) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_table_of_other_columns_is_refused(kind, tmp_path, make):
    spec, files = ordinary(kind, tmp_path)
    path = next(iter(files.values()))[0]
    path.write_text("figure,scale\nfig2,probit\n")
    with pytest.raises(InputError, match=f"{path}: columns are not those"):
        make(spec, **files)
