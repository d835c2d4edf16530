"""Studies with known truth: networks and cameras are both drawn at random, and series differ by as much as is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pretraining_robustness.evaluate.left_out import WITHOUT
from pretraining_robustness.evaluate.metrics import score_metric
from pretraining_robustness.evaluate.scores import PAIRED_COLUMNS
from pretraining_robustness.trends.axis_scales import axis_scale
from pretraining_robustness.trends.blocks import page_p
from pretraining_robustness.trends.contrasts import Contrast, FittedSeries, contrast, shared_middle
from pretraining_robustness.trends.effective_robustness import fit_baseline, mean_robustness
from pretraining_robustness.trends.ordered import equal_id_trend
from pretraining_robustness.trends.points import axis_points


@dataclass(frozen=True, kw_only=True)
class World:
    """Standard deviations of what moves a checkpoint's OOD score off the common line, in score units.

    Of networks: `architecture` is shared by all series, `own` is an architecture's in one series, `run` a seed's,
    `checkpoint` an epoch's. Of a single camera (a score is the mean over cameras): `camera` is shared by all networks,
    `series_camera` by those of a series, `network_camera` is a run's. `uneven` is the standard deviation of the log of
    the cameras' numbers of images. The sizes are those of the miniature, where 28 OOD cameras alone move the difference
    of two series by 1.2 points and networks alone by 0.6.
    """

    architectures: int = 6
    seeds: int = 2
    epochs: int = 6
    cameras: int = 40
    architecture: float = 0.03
    own: float = 0.012
    run: float = 0.01
    checkpoint: float = 0.01
    camera: float = 0.1
    series_camera: float = 0.045
    network_camera: float = 0.06
    uneven: float = 0.5
    slope: float = 0.7

    def draw(self, series: Mapping[str, tuple[float, float]], generator: np.random.Generator) -> pd.DataFrame:
        """Return a study's paired scores with those without each camera (`WITHOUT`), of linear axes.

        Args:
            series: of each (height above the common line, how far its ID scores are moved along it).
            generator: source of randomness.
        """
        count, runs = self.architectures, self.architectures * self.seeds
        kinds = np.repeat(np.arange(count), self.seeds)
        quality, heights = 0.06 * generator.normal(size=count), self.architecture * generator.normal(size=count)
        weights = [generator.lognormal(0, self.uneven, self.cameras) for _ in WITHOUT]
        shared = [self.camera * generator.normal(size=self.cameras) for _ in WITHOUT]
        parts = []
        for name, (height, along) in series.items():
            x = 0.45 + along + quality[kinds] + 0.02 * generator.normal(size=runs)
            x = (x[:, None] + np.sort(generator.uniform(-0.12, 0.12, (runs, self.epochs)), axis=1)).ravel()
            off = (
                heights[kinds] + self.own * generator.normal(size=count)[kinds] + self.run * generator.normal(size=runs)
            )
            y = 0.1 + self.slope * x + height + np.repeat(off, self.epochs)
            y += self.checkpoint * generator.normal(size=len(x))
            columns: dict[str, object] = {}
            for role, values, weight, common in zip(WITHOUT, (x, y), weights, shared, strict=True):
                of_camera = common + self.series_camera * generator.normal(size=self.cameras)
                of_camera = of_camera + self.network_camera * generator.normal(size=(runs, self.cameras))
                of_camera = values[:, None] + np.repeat(of_camera, self.epochs, axis=0)
                total = of_camera @ weight
                columns[f"{role}_macro_f1"] = total / weight.sum()
                columns[WITHOUT[role]] = list((total[:, None] - of_camera * weight) / (weight.sum() - weight))
            key = {
                "architecture": np.repeat([f"net{kind:02}" for kind in kinds], self.epochs),
                "seed": np.tile(np.repeat(np.arange(self.seeds), self.epochs), count),
                "epoch": np.tile(np.arange(1, self.epochs + 1), runs),
            }
            parts.append(pd.DataFrame({"task": "iwildcam", "method": "full", "distribution": name, **key, **columns}))
        table = pd.concat(parts, ignore_index=True)
        return table.assign(series=table["distribution"]).reindex(columns=[*PAIRED_COLUMNS, *WITHOUT.values()])


LINEAR, F1 = axis_scale("linear"), score_metric("macro_f1")
MARGIN = 0.06  # three standard errors: two one-sided tests pass in at most 5 % where the difference is as large


def contrast_of(table: pd.DataFrame) -> Contrast:
    """Return the contrast of the two series of a study."""
    pair = [FittedSeries.fit(name, axis_points(rows, LINEAR, F1)) for name, rows in table.groupby("series")]
    return contrast(*pair, shared_middle(pair), LINEAR)


def outcome(world: World, generator: np.random.Generator, confidence: float = 0.95) -> dict[str, bool]:
    """Return what intervals and verdicts say of three studies of a world.

    In the first, two series lie on one line, one moved along it; in the second they are `MARGIN` apart; in the third
    four series of growing size are moved along one line. Names that end in _networks are of the intervals that take the
    test images as given.
    """
    level, found = 1 - confidence, {}
    table = world.draw({"a": (0, 0), "b": (0, 0.05)}, generator)
    for suffix, study in (("", table), ("_networks", table.drop(columns=list(WITHOUT.values())))):
        low, high = contrast_of(study).interval(confidence)
        found[f"contrast{suffix}"] = low <= 0 <= high
        baseline, _ = fit_baseline(study[study["series"] == "a"], LINEAR, F1)
        estimate = mean_robustness(axis_points(study[study["series"] == "b"], LINEAR, F1), baseline, LINEAR)
        low, high = (float(end[0]) for end in estimate.interval(confidence))
        found[f"effective_robustness{suffix}"] = low <= 0 <= high
    found["false_difference"] = not found["contrast"]
    table = world.draw({"a": (0, 0), "b": (MARGIN, 0)}, generator)
    found["false_equivalence"] = contrast_of(table).p_equivalent(MARGIN) <= level
    sizes = {"a": 10, "b": 100, "c": 1000, "d": 10_000}
    table = world.draw({name: (0, 0.03 * place) for place, name in enumerate(sizes)}, generator)
    points = [axis_points(table[table["series"] == name], LINEAR, F1) for name in sizes]
    trend = equal_id_trend(points, list(sizes.values()), LINEAR, confidence, permutations=1, generator=generator)
    found["equal_id_trend"] = trend.low <= 0 <= trend.high
    found["false_rise"] = trend.p <= level and trend.slope > 0
    last = table[table["epoch"] == world.epochs].pivot(index=["architecture", "seed"], columns="series")["ood_macro_f1"]
    found["raw_rise"] = page_p(last[list(sizes)].to_numpy()) <= level
    return found
