"""From predictions and scores of ImageNet-RIB to its tables and figures."""

import itertools
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pretraining_robustness.evaluate.predictions import Checkpoint, read_predictions, write_predictions
from pretraining_robustness.evaluate.score import score
from pretraining_robustness.evaluate.scores import collect_scores
from pretraining_robustness.figures.draw import draw_figure
from pretraining_robustness.files import write_rows
from pretraining_robustness.imagenet_rib.comparison import ALL, compare_with_start, standard_errors
from pretraining_robustness.imagenet_rib.crossing import cross_with_pretraining
from pretraining_robustness.imagenet_rib.effective import effective_robustness_of_cells
from pretraining_robustness.imagenet_rib.indices import interval_over_images_and_seeds
from pretraining_robustness.imagenet_rib.results import compute_indices
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.tables.tabulate import tabulate
from pretraining_robustness.tasks.splits import class_numbers
from pretraining_robustness.tasks.test_sets import read_test_set

VARIANTS = {"val": 40, "v2": 60, "r": 30, "cartoon": 40, "drawing": 40}  # images
TESTED = ["v2", "r", "cartoon", "drawing"]
SHARING = ["cartoon", "drawing"]
TASKS = {f"rib_{name}": name for name in TESTED}
CLASS_IDS = [f"n{number:08d}" for number in range(5)]
SPECS = [{"name": name, "store": name, "split": "all", "classes": "present"} for name in VARIANTS]
SPECS.append({"name": "r_unlimited", "store": "r", "split": "all", "classes": None})


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything between predictions and figures, of a network that answers at random but better on what it saw."""
    folder = tmp_path_factory.mktemp("rib")
    random = np.random.default_rng(0)
    for name, images in VARIANTS.items():
        known = CLASS_IDS[:3] if name == "r" else CLASS_IDS
        names = [f"{'val' if name in ('val', *SHARING) else name}_{number}" for number in range(images)]
        table = {
            "row": np.arange(images),
            "image": [f"{name}/{one}" for one in names],
            "class_id": [known[number % len(known)] for number in range(images)],
            "original": names,
            "also": "",
        }
        pd.DataFrame(table).to_parquet(folder / f"{name}.parquet", index=False)
    files = {name: folder / f"{name}.parquet" for name in VARIANTS}
    for task, variant in TASKS.items():
        make_variant_task(files[variant], folder / f"{task}.parquet", CLASS_IDS)
        numbers = class_numbers(folder / f"{task}.parquet")
        sets = [read_test_set({**spec, "own": False}, files[str(spec["store"])], numbers) for spec in SPECS]
        predicted: dict[Checkpoint, dict[str, np.ndarray]] = {}
        for seed, epoch in itertools.product((0, 1), (0, 1)):
            stream = np.random.default_rng(1 + seed) if epoch == 0 else random
            for one in sets:
                right = stream.random(len(one.truth)) < (0.9 if epoch and one.name == variant else 0.5)
                wrong = (one.truth + 1) % 3 if one.answers is not None else 4
                answer = np.where(right, one.truth, wrong).astype(np.int16)
                predicted.setdefault(Checkpoint("vit", seed, epoch), {})[one.name] = answer
        write_predictions(folder / f"{task}.predictions.parquet", sets, predicted)
        score(
            predictions=folder / f"{task}.predictions.parquet",
            tables={task: folder / f"{task}.parquet", **files},
            **{"task": task, "method": "full", "distribution": "imagenet"},
            **{"test_sets": SPECS, "metrics": ["accuracy"]},
            scores=folder / f"{task}.csv",
            left_out=folder / f"{task}.left_out.parquet",
            **{"confidence": 0.95, "resamples": 20, "seed": 0},
        )
    collect_scores([folder / f"{task}.csv" for task in TASKS], folder / "scores.csv")
    compare_with_start(
        predictions={task: folder / f"{task}.predictions.parquet" for task in TASKS},
        tables=files,
        tasks={task: folder / f"{task}.parquet" for task in TASKS},
        variants=TASKS,
        test_sets=[spec for spec in SPECS if spec["name"] in TESTED],
        sharing=SHARING,
        **{"method": "full", "distribution": "imagenet"},
        **{name: folder / f"{name}.csv" for name in ("turned", "errors", "mean_errors")},
    )
    compute_indices(
        scores=folder / "scores.csv",
        turned=[folder / "turned.csv"],
        errors=[folder / "errors.csv"],
        mean_errors=[folder / "mean_errors.csv"],
        benchmark={"variants": TASKS, "tested_on": TESTED, "sharing": SHARING, "confidence": 0.95},
        **{name: folder / f"{name}.csv" for name in ("cells", "indices", "means", "cell_means")},
    )
    return folder


def test_scores_and_predictions_tell_the_same_changes(results: Path) -> None:
    cells = pd.read_csv(results / "cells.csv")
    tested = cells[~cells["tested_on"].isin(["val", "r_unlimited"])]
    assert len(tested) == 2 * 16
    assert np.allclose(tested["change"], tested["gained"] - tested["lost"])
    assert (tested["changed"] >= tested["gained"] + tested["lost"] - 1e-9).all()
    assert cells["counts"].sum() == 2 * 12
    assert cells["shares_images"].sum() == 2 * 2


def test_every_index_has_an_interval(results: Path) -> None:
    indices = pd.read_csv(results / "indices.csv")
    assert len(indices) == 2 * 2 * 5
    assert ((indices["low"] < indices["index"]) & (indices["index"] < indices["high"])).all()
    total = indices[(indices["fine_tuned_on"] == ALL) & (indices["counting"] == "all")].iloc[0]
    assert total["index"] + total["before"] == pytest.approx(total["after"])


def test_intervals_of_mri_hold_it_as_often_as_they_say() -> None:
    """Fresh images every time, of which two test sets show the same ones; the true change of each is 10 points."""
    random = np.random.default_rng(0)
    originals = {"a": np.arange(300), "b": np.arange(300), "c": 1000 + np.arange(200)}
    inside = {"all": 0, "a": 0}
    for _ in range(400):
        luck = {name: random.choice([-1, 0, 1], size=len(one), p=[0.1, 0.7, 0.2]) for name, one in originals.items()}
        luck["b"] = luck["a"]
        changes = dict.fromkeys(originals, luck)
        errors = standard_errors(changes, originals)
        means = {name: 100 * one.mean() for name, one in luck.items()}
        found = {"a": (means["b"] + means["c"]) / 2, "all": sum(means.values()) / 3}
        for name in inside:
            inside[name] += abs(found[name] - 10) < 1.96 * errors[name]
    assert 0.92 < inside["all"] / 400 < 0.98
    assert 0.92 < inside["a"] / 400 < 0.98


def test_means_over_seeds_share_the_errors_of_their_images(results: Path) -> None:
    """The variance over images of a mean of two seeds is that of the images' mean changes, not half of a seed's."""
    indices, means = (pd.read_csv(results / f"{name}.csv") for name in ("indices", "means"))
    key = ["counting", "fine_tuned_on"]
    assert np.allclose(means.set_index(key)["index"], indices.groupby(key)["index"].mean().reindex(means[key]))
    assert (means["seeds"] == 2).all()
    assert ((means["low"] < means["low_images"]) & (means["high_images"] < means["high"])).all()
    cells = pd.read_csv(results / "cell_means.csv").set_index(["fine_tuned_on", "tested_on"])
    numbers = class_numbers(results / "rib_r.parquet")
    v2 = read_test_set({**SPECS[1], "own": False}, results / "v2.parquet", numbers)
    answers = read_predictions(results / "rib_r.predictions.parquet", [v2])
    right = {(one.seed, one.epoch): (found["v2"] == v2.truth).astype(int) for one, found in answers.items()}
    change = 100 * np.mean([right[seed, 1] - right[seed, 0] for seed in (0, 1)], axis=0)
    row = cells.loc["r", "v2"]
    assert row["change"] == pytest.approx(change.mean())
    assert row["high_images"] - row["change"] == pytest.approx(1.959964 * change.std(ddof=1) / np.sqrt(60), rel=1e-4)


def test_intervals_over_images_and_seeds() -> None:
    """Seeds alone give Student's interval, one seed that over images; both hold the truth as often as they say."""
    random = np.random.default_rng(0)
    values = [1.0, 2.0, 4.0]
    alone = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert interval_over_images_and_seeds(values, 0.0, 0.95) == pytest.approx(alone)
    assert interval_over_images_and_seeds([2.0], 0.5, 0.95) == pytest.approx(stats.norm.interval(0.95, 2, 0.5))
    inside = 0
    for _ in range(2000):
        seeds = random.normal(0, 1) + random.normal(0, 2, size=4)  # luck with the images, which all seeds share
        low, high = interval_over_images_and_seeds(seeds, 1.0, 0.95)
        inside += low < 0 < high
    assert 0.94 < inside / 2000 < 0.98


FIGURES = {  # what stands beside the rows of each kind
    "rib_bars": ("means", ["published"]),
    "rib_matrix": ("cell_means", []),
    "rib_similarity": ("similarity", []),
    "rib_crossing": ("indices", ["means", "trends"]),
    "rib_changes": ("cells", []),
    "rib_effective": ("effective", ["lines", "points"]),
    "rib_methods": ("means", []),
    "rib_alphas": ("cells", ["means"]),
    "rib_set_size": ("set_sizes", []),
    "rib_transport": ("cells", ["distances"]),
}


def labels(kind: str) -> dict[str, Any]:
    """What figures and tables are told, but for what is theirs alone."""
    return {
        **{"kind": kind, "name": kind, "title": "Robustness improvement", "note": "Made up", "confidence": 0.95},
        **{"reference": "val", "tested_on": TESTED, "sharing": SHARING, "methods": {"full": "full fine-tuning"}},
        **{"networks": {"imagenet": "ImageNet"}, "architectures": ["vit"], "images": {"imagenet": 100}},
        "variants": {name: f"ImageNet-{name}" for name in VARIANTS},
        **{"limited": ["r"], "answers": "Answers: limited.", "warming": ["one set"]},
        **{"alphas": {"full": 1.0}, "count": 20, "embedding": "ImageNet, vit"},
        **{"panels": [{"title": "Quantity", "series": ["imagenet"]}], "permutations": 99, "seed": 0},
    }


@pytest.fixture(scope="module")
def tables(results: Path) -> Path:
    """What figures and typeset tables are made of."""
    published = {"architecture": "vit", "method": "full", "before": 40, "after": 41.5, "mri": 1.5, "rows": 5}
    write_rows(results / "published.csv", [published, {**published, "architecture": "other"}])
    cell = {"architecture": "vit", "method": "full", "fine_tuned_on": "r", "before": 40, "from": "a figure"}
    single = [{**cell, "tested_on": name, "after": 40 + number} for number, name in enumerate(("v2", "cartoon"))]
    write_rows(results / "published_cells.csv", [*single, {**cell, "tested_on": "drawing", "after": 45}])
    whose = {"method": "full", "distribution": "imagenet", "fine_tuned_on": "r", "architecture": "vit", "seed": 0}
    layers = [{**whose, "epoch": 1, "layer": f"blocks.{depth}", "depth": depth, "cka": 0.5} for depth in range(3)]
    write_rows(results / "similarity.csv", layers)
    sizes = [
        {**whose, "epoch": 1, "images": images, "images_per_class": images / 5, "equal": equal, "RI": -1.0 - images}
        | {"own_before": 40, "own_after": 60, "held_out": True, "reference_before": 70, "reference_after": 60}
        for images, equal in ((5, "epochs"), (5, "steps"), (30, ""))
    ]
    write_rows(results / "set_sizes.csv", sizes)
    pairs = itertools.combinations(VARIANTS, 2)
    apart = [{"first": one, "second": other, "otdd": 1 + len(one + other)} for one, other in pairs]
    write_rows(results / "distances.csv", apart)
    crossed = {name: results / f"crossed_{name}.csv" for name in ("means", "trends", "contrasts")}
    cross_with_pretraining(indices=results / "indices.csv", figure=labels("rib_crossing"), **crossed)
    cells = pd.read_csv(results / "cells.csv")
    more = [
        cells.assign(seed=cells["seed"] + 2 + 2 * step, before=cells["before"] * (0.8 - 0.1 * step))
        for step in range(2)
    ]
    pd.concat([cells, *more]).to_csv(results / "more_cells.csv", index=False)  # networks enough for a line
    effective_robustness_of_cells(
        cells=results / "more_cells.csv",
        **{"baselines": ["imagenet"], "scale": "logit", "reference": "val", "tested_on": TESTED},
        **{name: results / f"{name}.csv" for name in ("effective", "lines", "points")},
    )
    return results


@pytest.mark.parametrize("kind", list(FIGURES))
def test_figures_and_captions(tables: Path, kind: str) -> None:
    files = {key: tables / f"{kind}.{end}" for key, end in zip(("pdf", "png", "table", "caption"),
             ("pdf", "png", "csv", "txt"), strict=True)}  # fmt: skip
    rows, others = FIGURES[kind]
    prefix = "crossed_" if kind == "rib_crossing" else ""
    beside = {name: tables / f"{prefix}{name}.csv" for name in others}
    draw_figure({"rows": tables / f"{rows}.csv", **beside}, labels(kind), **files)
    caption = files["caption"].read_text(encoding="utf-8")
    assert "Made up." in caption
    assert kind in ("rib_similarity", "rib_transport") or "Answers: limited." in caption
    rows = pd.read_csv(files["table"])
    if kind == "rib_bars":
        mri = pd.read_csv(tables / "means.csv").query("fine_tuned_on == 'all' and counting == 'all'")["index"].iloc[0]
        assert f"2 seeds: mRI {mri:+.2f} [" in caption
        assert "a mean over 5 variants fine-tuned on, here over 4." in caption
    elif kind == "rib_matrix":
        assert "Of 12 cells" in caption
    elif kind == "rib_changes":
        used = rows.query("counts")
        assert (
            f"{used['gained'].mean():.1f} % of the predictions became correct, {used['lost'].mean():.1f} %" in caption
        )
        assert "the images of it that were fine-tuned on" in caption  # none were held out
        assert f"{rows[rows['tested_on'] == 'val']['before'].mean():.1f} % before" in caption
        said = re.search(r"not fine-tuned on ([\d.]+) % and ([\d.]+) %, mRI ([-+][\d.]+);", caption)
        before, after, mri = map(float, said.groups())
        assert mri == pytest.approx(after - before, abs=0.011)
        total = pd.read_csv(tables / "indices.csv").query("fine_tuned_on == 'all' and counting == 'all'")
        assert (before, mri) == pytest.approx((total["before"].mean(), total["index"].mean()), abs=0.006)
    elif kind == "rib_transport":
        assert "rank correlation of RI with the distance from ImageNet-val" in caption
    elif kind == "rib_set_size":
        assert "Every step is warm-up, so that the learning rate only rises, on: one set." in caption
        assert "equal steps: RI -6.00 with 5 images and -31.00 with all 30." in caption
    elif kind == "rib_alphas":
        assert "mRI highest at alpha = " in caption
    elif kind == "rib_crossing":
        assert "2 networks that differ only in what they were pre-trained on" in caption
        assert "after minus before is mRI" in caption
        shown = pd.read_csv(tables / "crossed_means.csv")
        assert np.allclose(shown["after"] - shown["before"], shown["mri"])
        table = pd.read_csv(tables / "indices.csv").query("fine_tuned_on == 'all'").groupby("counting")["before"].mean()
        assert np.allclose(shown["before"], table[shown["counting"]])


TABLES = {
    "rib": ["means"],
    "rib_crossing": ["crossed_means", "crossed_trends", "crossed_contrasts"],
    "rib_effective": ["effective", "lines"],
    "rib_transport": ["distances"],
    "rib_published": ["published", "published_cells", "means", "cell_means"],
    "rib_unlimited": ["cell_means"],
}


@pytest.mark.parametrize("kind", list(TABLES))
def test_tables(tables: Path, kind: str) -> None:
    paths = {end: tables / f"table_{kind}.{end}" for end in ("csv", "html", "tex")}
    files = {name.removeprefix("crossed_"): [tables / f"{name}.csv"] for name in TABLES[kind]}
    tabulate(files=files, table=labels(kind), **paths)
    text = paths["html"].read_text(encoding="utf-8")
    if kind == "rib_published":
        facts = pd.read_csv(paths["csv"]).set_index(["architecture", "fine_tuned_on", "tested_on"])
        assert facts.loc[("vit", "r", ALL), "change_published"] == pytest.approx((0 + 1 + 5) / 3)
        indices = (
            pd.read_csv(tables / "indices.csv").query("counting == 'all'").groupby("fine_tuned_on")["index"].mean()
        )
        assert facts.loc[("vit", "r", ALL), "change_here"] == pytest.approx(indices["r"])
        assert facts.loc[("vit", ALL, ALL), "change_here"] == pytest.approx(indices[ALL])
        assert pd.isna(facts.loc[("other", ALL, ALL), "change_here"])
        assert "mRI is a mean over 5 variants fine-tuned on, here over 4" in text
    elif kind == "rib_unlimited":
        cells = pd.read_csv(tables / "cells.csv").query("fine_tuned_on != 'r'")
        (found,) = pd.read_csv(paths["csv"]).to_dict("records")
        for name, ending in (("r", ""), ("r_unlimited", "_unlimited")):
            own = cells[cells["tested_on"] == name][["before", "after"]].mean()
            assert [found[f"{when}{ending}"] for when in own.index] == pytest.approx(list(own))
    elif kind == "rib":
        assert text.count("mRI (mean)") == 1
        assert "ImageNet, vit, full fine-tuning, 2 seeds" in text
        assert "Without shared images" in text
        tabulate(files=files, table={**labels(kind), "sharing": []}, **paths)
        assert "Without shared images" not in paths["html"].read_text(encoding="utf-8")
    elif kind == "rib_transport":
        assert "Features of ImageNet, vit" in text
    elif kind == "rib_effective":
        assert text.count("Mean of the variants") == 1
        assert "6 networks trained only on ImageNet" in text
    else:
        assert "Quantity, full fine-tuning, without shared images" in text
