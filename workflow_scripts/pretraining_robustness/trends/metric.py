"""The metrics of a score table: the columns that hold them and the words for them in tables, captions and figures."""

from dataclasses import dataclass

from pretraining_robustness.errors import InputError


@dataclass(frozen=True)
class Metric:
    """A metric of a score table: `label` in full ("macro F1 score"), `short` and `symbol` as shorter words for it."""

    name: str
    label: str
    short: str
    symbol: str

    @property
    def id_column(self) -> str:
        """The column of the in-distribution score."""
        return f"id_{self.name}"

    @property
    def ood_column(self) -> str:
        """The column of the out-of-distribution score."""
        return f"ood_{self.name}"


_WORDS = {"macro_f1": ("macro F1 score", "macro F1", "F1"), "accuracy": ("accuracy", "accuracy", "accuracy")}
METRICS = tuple(_WORDS)
"""The metrics of a score table; the first is what figures show where nothing else is said."""


def score_metric(name: str | None = None) -> Metric:
    """Return the metric called `name`, or the first of `METRICS`.

    Raises:
        InputError: score tables have no such metric.
    """
    name = name or METRICS[0]
    if name not in METRICS:
        raise InputError(f"metric: {name!r} is not a metric of a score table; use one of {', '.join(METRICS)}")
    return Metric(name, *_WORDS[name])
