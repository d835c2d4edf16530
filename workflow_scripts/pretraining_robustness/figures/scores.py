"""The tables that figures of scores are drawn from."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.figures.output import Files, all_files, one_file
from pretraining_robustness.trends.fit import read_bands, read_trends
from pretraining_robustness.trends.published import read_all_scores, read_published

Specification = Mapping[str, Any]


def read_scores(files: Files, figure: Specification) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, Specification]:
    """Return the scores, trends and bands of a figure, and its specification with the names of published series.

    Args:
        files: `scores`, the study's own table, missing where all points are from elsewhere; `trends` and `bands`
            (trends.fit.fit_trends); `published`, tables of published numbers (trends.published).
        figure: specification.TrendFigure or ResidualFigure as a dict; `studies` may name score tables of other studies.
    """
    published = all_files(files, "published")
    own = one_file(files, "scores") if "scores" in files else None
    metric, pairs = score_metric(figure.get("metric")), figure.get("pairs") or {}
    scores = read_all_scores(own, metric, pairs, published=published, studies=figure.get("studies"))
    groups = [group for path in published for group in read_published(path)["group"]]
    told = {**figure, "published": groups}
    return scores, read_trends(one_file(files, "trends")), read_bands(one_file(files, "bands")), told
