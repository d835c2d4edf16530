"""What figures of scores show, read from the plain dict that the workflow passes: the series, and on which axes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pretraining_robustness.errors import InputError, missing_keys_named
from pretraining_robustness.evaluate.metrics import Metric, score_metric
from pretraining_robustness.trends.axis_scales import AxisScale, axis_scale
from pretraining_robustness.trends.fit import UNITS

_AXES = {
    "linear": "linear axes",
    "logit": "logit axes (log-odds of the {symbol})",
    "probit": "probit axes (the standard normal quantile of the {symbol})",
}


@dataclass(frozen=True)
class Panel:
    """One pair of axes: its title and the distributions whose checkpoints it shows.

    `ordered_by` is "images" where a trend over the number of pre-training images is tested, else None; `not_run` are
    the readable names of the series that the study at hand leaves out of it.
    """

    title: str
    series: list[str]
    ordered_by: str | None = None
    not_run: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ScoreFigure:
    """What every figure of scores is told.

    `confidence` is the level of its intervals in (0, 1), `note` a line that the figure must show, `labels` the readable
    name of each distribution, `not_run` the readable names of series that the study at hand leaves out, `metric` what
    its scores measure, `pairs` the test sets `id` and `ood` of its task that it plots.
    """

    name: str
    title: str
    scale: AxisScale
    task_label: str
    confidence: float
    note: str
    labels: Mapping[str, str]
    not_run: list[str]
    x_label: str
    y_label: str
    metric: Metric
    pairs: Mapping[str, Mapping[str, str]]

    def label(self, distribution: str) -> str:
        """Return the readable name of a distribution, or its own name when it has none."""
        return self.labels.get(distribution, distribution)

    def axes(self) -> str:
        """Return what the axes of the figure are."""
        return _AXES[self.scale.name].format(symbol=self.metric.symbol)

    def says_not_run(self) -> str:
        """Return a sentence that names the series that the study at hand leaves out; empty when there are none."""
        return f"Left out of this study: {'; '.join(self.not_run)}." if self.not_run else ""


def _common(figure: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of `ScoreFigure` from a specification."""
    return {
        **{key: figure[key] for key in ("name", "title", "task_label", "confidence", "x_label", "y_label")},
        "scale": axis_scale(figure["scale"]),
        "note": figure.get("note") or "",
        "labels": figure.get("labels") or {},
        "not_run": list(figure.get("not_run") or []),
        "metric": score_metric(figure.get("metric")),
        "pairs": figure.get("pairs") or {},
    }


@dataclass(frozen=True, kw_only=True)
class TrendFigure(ScoreFigure):
    """A figure of out-of-distribution against in-distribution scores.

    `references` are distributions whose trend is drawn in every panel, `band` says which intervals the bands show
    (a key of trends.fit.UNITS). `images` is the number of images of each pre-training distribution where it is known, 0
    for networks trained from scratch; `published` are the series whose points are published models, not checkpoints.
    """

    panels: list[Panel]
    references: list[str]
    band: str
    images: Mapping[str, int]
    published: list[str]

    @classmethod
    def from_dict(cls, figure: Mapping[str, Any]) -> "TrendFigure":
        """Read a specification; keys with words, `images` and `published` may be missing, others are ignored.

        Raises:
            InputError: a key is missing, or the scale, the band or the metric is not one that exists.
        """
        with missing_keys_named(figure):
            band = figure["band"]
            if band not in UNITS:
                raise InputError(f"figure {figure['name']}: band {band!r} is none; use one of {', '.join(UNITS)}")
            return cls(
                **_common(figure),
                panels=[
                    Panel(
                        panel["title"],
                        list(dict.fromkeys(panel["series"])),
                        panel.get("ordered_by"),
                        tuple(panel.get("not_run") or ()),
                    )
                    for panel in figure["panels"]
                ],
                references=list(dict.fromkeys(figure["references"])),
                band=band,
                images=figure.get("images") or {},
                published=list(dict.fromkeys(figure.get("published") or [])),
            )

    @property
    def ordered(self) -> bool:
        """Whether the series of its panels are in an order."""
        return any(panel.ordered_by for panel in self.panels)

    def is_drawn(self, panel: Panel) -> bool:
        """Whether the study has any of a panel's own series; without them it would show the references alone."""
        return not panel.not_run or not set(panel.series) <= set(self.references)

    def drawn(self) -> "TrendFigure":
        """Return the figure with the panels that are drawn."""
        return replace(self, panels=[panel for panel in self.panels if self.is_drawn(panel)])

    def shown(self, panel: Panel) -> list[str]:
        """Return what a panel shows: the references first, then the other series."""
        return [*self.references, *(name for name in panel.series if name not in self.references)]

    def distributions(self) -> list[str]:
        """Return every distribution of the figure once, in the order shown."""
        return list(dict.fromkeys(name for panel in self.panels for name in self.shown(panel)))


@dataclass(frozen=True, kw_only=True)
class ResidualFigure(ScoreFigure):
    """A figure of residuals from one trend over the epochs of fine-tuning, one line per architecture.

    `baseline` is the distribution whose trend is the zero line, `series` are the distributions whose checkpoints are
    shown, `architectures` the readable name of each architecture as "family (name)".
    """

    baseline: str
    series: list[str]
    architectures: Mapping[str, str]

    @classmethod
    def from_dict(cls, figure: Mapping[str, Any]) -> "ResidualFigure":
        """Read a specification; `note`, `labels`, `architectures` and `not_run` may be missing or None.

        Raises:
            InputError: a key is missing, or the scale or the metric is not one that exists.
        """
        with missing_keys_named(figure):
            return cls(
                **_common(figure),
                baseline=figure["baseline"],
                series=list(dict.fromkeys(figure["series"])),
                architectures=figure.get("architectures") or {},
            )

    def family(self, architecture: str) -> str:
        """Return the family of an architecture: its readable name up to the bracket."""
        return self.architecture_label(architecture).partition(" (")[0]

    def architecture_label(self, architecture: str) -> str:
        """Return the readable name of an architecture, or its own name when it has none."""
        return self.architectures.get(architecture, architecture)
