"""What a study measured of a figure's series in a form that others can load: their points and their fitted lines.

The points are a table of published numbers (`published.PUBLISHED_COLUMNS`), which a figure of another study shows by
its key `published`; the lines carry what is needed to draw them without the points, and where they come from.
"""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.published import PUBLISHED_COLUMNS, read_all_scores

LINE_COLUMNS = [
    *("study", "commit", "task", "id", "ood", "metric", "group", "scale"),
    *("slope", "slope_low", "slope_high", "intercept", "intercept_low", "intercept_high", "r2"),
    *("confidence", "n_checkpoints", "n_runs"),
]


def write_baseline(
    *,
    scores: str | Path,
    trends: str | Path,
    study: str,
    commit: str,
    metric: str,
    pairs: Mapping[str, Mapping[str, str]],
    confidence: float,
    points: str | Path,
    lines: str | Path,
) -> None:
    """Write the points and the lines of a figure.

    Args:
        scores: the figure's score table.
        trends: the figure's trends (`fit.TREND_COLUMNS`).
        study: the study's name.
        commit: of the code that made them.
        metric: of the figure.
        pairs: the test sets `id` and `ood` of its one task.
        confidence: of the intervals of slope and intercept, which are those of architectures as clusters.
        points: CSV to write: model (architecture, seed and epoch), id and ood in [0, 1], group (the series).
        lines: CSV to write, `LINE_COLUMNS`: y = intercept + slope x in units of the scale's axes, one row per series
            and scale; series without a line have none.
    """
    ((task, pair),) = pairs.items()
    of_metric = score_metric(metric)
    paired = read_all_scores(scores, of_metric, pairs).dropna(subset=[of_metric.id_column, of_metric.ood_column])
    names = (f"{row.architecture}, seed {row.seed}, epoch {row.epoch}" for row in paired.itertuples())
    table = pd.DataFrame({"model": list(names), "id": paired[of_metric.id_column], "ood": paired[of_metric.ood_column]})
    fitted = pd.read_csv(trends).dropna(subset=["slope"]).rename(columns={"series": "group"})
    origin = {"study": study, "commit": commit, "task": task, "id": pair["id"], "ood": pair["ood"]}
    fitted = fitted.assign(**origin, confidence=confidence)
    for path, frame in (
        (points, table.assign(group=paired["series"])[PUBLISHED_COLUMNS]),
        (lines, fitted[LINE_COLUMNS]),
    ):
        with atomic_path(path) as temporary:
            frame.to_csv(temporary, index=False)


def commit_of(repository: str | Path) -> str:
    """Return the commit that a repository's files are of, marked where they have been changed; unknown without git."""
    try:
        command = ["git", "-C", str(repository), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
