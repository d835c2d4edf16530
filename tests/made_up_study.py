"""The tables of a made-up study, of which the tests write a page, and a browser to look at it."""

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.scores import write_scores
from pretraining_robustness.report.curves import METRICS, collect_curves
from pretraining_robustness.trends.fit import fit_trends, read_trends

TASK = "camera_traps"
PAIRS = {TASK: {"id": "id_test", "ood": "test"}}


def chromium() -> str | None:
    """Return the path of a Chromium or Chrome on this machine, None where there is none."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)


def made_up_study(folder: Path, series: int, architectures: int, seeds: int, epochs: int) -> dict[str, Any]:
    """Write the tables of a made-up study, the first of whose series is `scratch`; return the arguments of write_page.

    Scores lie around a line on probit axes, a line for each series; one checkpoint in a hundred has a score of 0.
    """
    generator = np.random.default_rng(0)
    names = ["scratch", *(f"images_{place}k" for place in range(1, series))]
    networks = [f"network_{place}" for place in range(architectures)]
    rows: list[dict[str, Any]] = []
    runs: list[dict[str, Any]] = []
    metrics: list[Path] = []
    for place, name in enumerate(names):
        for network in networks:
            for seed in range(seeds):
                skill = generator.normal(0.1, 0.04)
                for epoch in range(1, epochs + 1):
                    id_f1 = min(0.95, skill + 0.7 * (1 - 0.8**epoch) + generator.normal(0, 0.02))
                    ood_f1 = max(0.0, id_f1 * (0.5 + 0.3 * place / series) + generator.normal(0, 0.02))
                    id_f1 = 0.0 if len(rows) % 400 == 200 else max(0.01, id_f1)
                    who = {"task": TASK, "method": "full", "distribution": name, "architecture": network}
                    for test_set, f1, accuracy in (
                        ("id_test", id_f1, 0.3 + 0.7 * id_f1),
                        ("test", ood_f1, 0.3 + 0.6 * ood_f1),
                    ):
                        what = {**who, "seed": seed, "epoch": epoch, "test_set": test_set, "images": 1000}
                        rows.append({**what, "metric": "macro_f1", "score": f1})
                        rows.append({**what, "metric": "accuracy", "score": accuracy})
                for stage, length in (("pretrain", 300), ("finetune", epochs)):
                    if stage == "finetune" or name != "scratch":
                        path = folder / stage / name / network / f"{seed}.csv"
                        _write_metrics(path, length, generator)
                        metrics.append(path)
                        runs.append({"stage": stage, "distribution": name, "architecture": network, "seed": seed})
                        runs[-1] |= (
                            {"task": TASK, "method": "full"} if stage == "finetune" else {"task": "", "method": ""}
                        )
    scores = folder / "scores.csv"
    write_scores(scores, rows)
    collect_curves(metrics, folder / "curves.csv", runs=runs)
    figures = [_figure("fig2", names[:2], names[:2]), _figure("fig4", names[:2], names[:5], names[:2] + names[5:8])]
    tables = []
    for figure in figures:
        shown = [name for panel in figure["panels"] for name in panel["series"]]
        paths = [folder / f"{figure['name']}{ending}.csv" for ending in ("", "_bands")]
        options: dict[str, Any] = {
            "scales": ["linear", "logit", "probit"],
            "resamples": 200,
            "confidence": 0.95,
            "seed": 0,
            "pairs": PAIRS,
        }
        fit_trends(scores, *paths, figure=figure["name"], series=shown, **options)
        tables.append(read_trends(paths[0]))
    pd.concat(tables).to_csv(folder / "trends.csv", index=False)
    return {
        **{name: folder / f"{name}.csv" for name in ("scores", "trends", "curves")},
        "page": folder / "page.html",
        "figures": figures,
        "pairs": PAIRS,
        "architectures": {network: f"Network ({network})" for network in networks},
        "study": "made up",
        "config": "study: made up\n",
        "versions": {"numpy": np.__version__},
    }


def _write_metrics(path: Path, epochs: int, generator: np.random.Generator) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    epoch = np.arange(1, epochs + 1)
    loss = 2 * epoch**-0.4 + generator.uniform(0, 0.1, epochs)
    table = pd.DataFrame(
        {"epoch": epoch, "loss": loss, "accuracy": 1 / (1 + loss), "images_per_second": 500 / (1 + loss)}
    ).assign(held_out_accuracy=0.9 / (1 + loss))
    others = dict.fromkeys((name for name in METRICS if name not in table), 1.0)
    table.assign(**others).to_csv(path, index=False)


def _figure(name: str, references: list[str], *panels: list[str]) -> dict[str, Any]:
    shown = dict.fromkeys(series for panel in panels for series in panel)
    return {
        "name": name,
        "title": f"Made-up figure {name}",
        "scale": "probit",
        "task": TASK,
        "pairs": PAIRS,
        "task_label": "Camera traps",
        "panels": [{"title": f"Panel {place}", "series": panel} for place, panel in enumerate(panels, start=1)],
        "references": references,
        "band": "architectures",
        "confidence": 0.95,
        "note": "Made up: not the results of anything",
        "labels": {series: f"Pre-trained on {series.replace('_', ' ')}" for series in shown},
        "x_label": "In-distribution macro F1 score (Camera traps, id_test split)",
        "y_label": "Out-of-distribution macro F1 score (Camera traps, test split)",
    }
