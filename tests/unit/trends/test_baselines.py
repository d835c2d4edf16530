"""A figure's points and lines are written as others load them."""

import numpy as np
import pandas as pd
import pytest

from pretraining_robustness.evaluate.metrics import METRICS
from pretraining_robustness.evaluate.scores import write_scores
from pretraining_robustness.trends.axis_scales import axis_scale
from pretraining_robustness.trends.baselines import LINE_COLUMNS, collect_lines, commit_of, write_baseline
from pretraining_robustness.trends.cluster_robust import ClusterRobustLine
from pretraining_robustness.trends.fit import fit_trends
from pretraining_robustness.trends.points import axis_points
from pretraining_robustness.trends.published import published_scores, read_published


def test_points_are_published_numbers_and_lines_those_of_the_figure(tmp_path, repository) -> None:
    run = {"task": "cifar10", "method": "full", "distribution": "scratch", "seed": 0, "metric": "accuracy"}
    rows = [
        {**run, "architecture": name, "epoch": epoch, "test_set": test_set, "score": score, "images": 100}
        for name, lift in (("a", 0.0), ("b", 0.03), ("c", 0.05))
        for epoch in (1, 2, 3)
        for test_set, score in (("id_test", 0.4 + 0.1 * epoch + lift), ("cinic10", 0.2 + 0.09 * epoch + 2 * lift))
    ]
    scores = pd.DataFrame(rows).assign(low=0.0, high=1.0)
    write_scores(tmp_path / "scores.csv", scores.to_dict("records"))
    shared = {"metric": "accuracy", "pairs": {"cifar10": {"id": "id_test", "ood": "cinic10"}}, "confidence": 0.95}
    fit_trends(
        scores=tmp_path / "scores.csv",
        trends=tmp_path / "trends.csv",
        bands=tmp_path / "bands.csv",
        figure="fig2",
        series=["scratch"],
        scales=["linear", "probit"],
        resamples=50,
        seed=0,
        **shared,
    )
    places = {name: tmp_path / f"{name}.csv" for name in ("scores", "trends", "points", "lines")}
    write_baseline(**places, study="tiny", commit=commit_of(repository), **shared)
    points = read_published(places["points"])
    assert len(points) == 9
    assert points["model"][0] == "a, seed 0, epoch 1"
    assert points[["id", "ood"]].values.tolist()[0] == pytest.approx([0.5, 0.29])
    lines = pd.read_csv(places["lines"])
    assert list(lines.columns) == LINE_COLUMNS
    assert lines["scale"].tolist() == ["linear", "probit"]
    fitted = pd.read_csv(places["trends"])
    assert lines["slope"].tolist() == fitted["slope"].tolist()
    assert set(lines["name"]) == {"tiny/cifar10/scratch"}
    assert lines["ood_images"].tolist() == [100, 100]
    x = np.array([0.2])
    paired = published_scores(
        points.assign(model=points["model"].str[0] + points["model"]), "cifar10", METRICS["accuracy"]
    )
    placed = axis_points(paired, axis_scale("probit"), METRICS["accuracy"])
    fit = ClusterRobustLine(placed.x, placed.y, np.repeat([0, 1, 2], 3)).heights(x)
    row = lines.iloc[1]
    variance = row["intercept_error"] ** 2 + 2 * 0.2 * row["covariance"] + (0.2 * row["slope_error"]) ** 2
    assert variance == pytest.approx(fit.variance[0])
    collect_lines([places["lines"]] * 2, tmp_path / "all.csv")
    assert len(pd.read_csv(tmp_path / "all.csv")) == 2
    assert len(lines["commit"][0]) >= 7


def test_the_kept_lines_have_the_columns_that_are_written(repository) -> None:
    assert list(pd.read_csv(repository / "data/baselines/lines.csv").columns) == LINE_COLUMNS
