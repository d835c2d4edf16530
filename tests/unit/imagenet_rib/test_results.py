"""From predictions and scores of ImageNet-RIB to its tables and figures."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.evaluate.predictions import Checkpoint, write_predictions
from pretraining_robustness.evaluate.score import score
from pretraining_robustness.evaluate.scores import collect_scores
from pretraining_robustness.figures.rib_figure import draw_rib_figure
from pretraining_robustness.files import write_rows
from pretraining_robustness.imagenet_rib.comparison import ALL, compare_with_start, standard_errors
from pretraining_robustness.imagenet_rib.results import compute_indices
from pretraining_robustness.imagenet_rib.variant_task import make_variant_task
from pretraining_robustness.tables.rib import tabulate_rib
from pretraining_robustness.tasks.splits import class_numbers
from pretraining_robustness.tasks.test_sets import read_test_set

VARIANTS = {"val": 40, "v2": 60, "r": 30, "cartoon": 40, "drawing": 40}  # images
TESTED = ["v2", "r", "cartoon", "drawing"]
SHARING = ["cartoon", "drawing"]
TASKS = {f"rib_{name}": name for name in TESTED}
CLASS_IDS = [f"n{number:08d}" for number in range(5)]
SPECS = [{"name": name, "store": name, "split": "all", "classes": "present"} for name in VARIANTS]


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
        for epoch in (0, 1):
            stream = np.random.default_rng(1) if epoch == 0 else random
            for one in sets:
                right = stream.random(len(one.truth)) < (0.9 if epoch and one.name == variant else 0.5)
                answer = np.where(right, one.truth, (one.truth + 1) % 3).astype(np.int16)
                predicted.setdefault(Checkpoint("vit", 0, epoch), {})[one.name] = answer
        write_predictions(folder / f"{task}.predictions.parquet", sets, predicted)
        score(
            predictions=folder / f"{task}.predictions.parquet",
            tables={task: folder / f"{task}.parquet", **files},
            **{"task": task, "method": "full", "distribution": "imagenet"},
            test_sets=SPECS,
            scores=folder / f"{task}.csv",
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
        **{"turned": folder / "turned.csv", "errors": folder / "errors.csv"},
    )
    compute_indices(
        scores=folder / "scores.csv",
        turned=[folder / "turned.csv"],
        errors=[folder / "errors.csv"],
        benchmark={"variants": TASKS, "tested_on": TESTED, "sharing": SHARING, "confidence": 0.95},
        cells=folder / "cells.csv",
        indices=folder / "indices.csv",
    )
    return folder


def test_scores_and_predictions_tell_the_same_changes(results: Path) -> None:
    cells = pd.read_csv(results / "cells.csv")
    tested = cells[cells["tested_on"] != "val"]
    assert len(tested) == 16
    assert np.allclose(tested["change"], tested["gained"] - tested["lost"])
    assert (tested["changed"] >= tested["gained"] + tested["lost"] - 1e-9).all()
    assert cells["counts"].sum() == 12
    assert cells["shares_images"].sum() == 2


def test_every_index_has_an_interval(results: Path) -> None:
    indices = pd.read_csv(results / "indices.csv")
    assert len(indices) == 2 * 5
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


@pytest.mark.parametrize("kind", ["rib_bars", "rib_matrix", "rib_similarity"])
def test_figures_and_captions(results: Path, kind: str) -> None:
    figure = {
        **{"kind": kind, "name": f"fig_{kind}", "title": "Robustness improvement", "note": "Made up"},
        **{"confidence": 0.95, "reference": "val", "tested_on": TESTED, "sharing": SHARING},
        **{"methods": {"full": "full fine-tuning"}, "networks": {"imagenet": "ImageNet"}, "architectures": ["vit"]},
        "variants": {name: f"ImageNet-{name}" for name in VARIANTS},
    }
    files = {key: results / f"{kind}.{end}" for key, end in zip(("pdf", "png", "table", "caption"),
             ("pdf", "png", "csv", "txt"), strict=True)}  # fmt: skip
    published = {"architecture": "vit", "method": "full", "before": 40, "after": 41, "mri": 1.5}
    write_rows(results / "published.csv", [published])
    table = results / {"rib_bars": "indices.csv", "rib_matrix": "cells.csv", "rib_similarity": "similarity.csv"}[kind]
    whose = {"method": "full", "distribution": "imagenet", "fine_tuned_on": "r", "architecture": "vit", "seed": 0}
    layers = [{**whose, "epoch": 1, "layer": f"blocks.{depth}", "depth": depth, "cka": 0.5} for depth in range(3)]
    write_rows(results / "similarity.csv", layers)
    draw_rib_figure(tables=[table], figure=figure, published=results / "published.csv", **files)
    caption = files["caption"].read_text(encoding="utf-8")
    assert "Made up." in caption
    if kind == "rib_bars":
        mri = (
            pd.read_csv(results / "indices.csv").query("fine_tuned_on == 'all' and counting == 'all'")["index"].iloc[0]
        )
        assert f"mRI {mri:+.2f} [" in caption
        assert "inferred" in caption
        assert "Diamonds: mRI of the same network as published" in caption
    elif kind == "rib_matrix":
        assert "Of 12 cells that count towards RI" in caption


def test_table(results: Path) -> None:
    table = {
        **{"name": "table_rib", "title": "Robustness improvement", "note": None, "confidence": 0.95},
        **{"methods": {"full": "full"}, "networks": {"imagenet": "ImageNet"}, "variants": {n: n for n in VARIANTS}},
    }
    paths = {end: results / f"table.{end}" for end in ("csv", "html", "tex")}
    tabulate_rib(indices=results / "indices.csv", table=table, **paths)
    text = paths["html"].read_text(encoding="utf-8")
    assert text.count("mRI (mean)") == 1
    assert "ImageNet, vit, full, seed 0" in text
