"""Intervals of trends: closed-form bootstraps and cluster-robust ones against a loop of statsmodels fits.

Forty trends of 96 checkpoints (eight runs of twelve epochs each), 10,000 resamples a trend, the slope's interval and
the pointwise band at 61 places. The loop draws runs and fits `statsmodels.OLS` to each resample, without a band; its
seconds are extrapolated from `--fits` of them. All in one process with one thread, one after another, several times
round; medians are written:

    make benchmark-bootstrap OPTIONS="--fits 2000 --rounds 3"
"""

import argparse
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"  # before numpy is imported

import numpy as np  # noqa: E402
import scipy  # noqa: E402
import statsmodels  # noqa: E402
from machine import machine  # noqa: E402
from statsmodels.regression.linear_model import OLS  # noqa: E402

from pretraining_robustness.files import write_rows  # noqa: E402
from pretraining_robustness.trends.bootstrap import percentile_band, percentile_interval, resample_lines  # noqa: E402
from pretraining_robustness.trends.cluster_robust import ClusterRobustLine  # noqa: E402

TRENDS, RUNS, EPOCHS, RESAMPLES, PLACES, CONFIDENCE = 40, 8, 12, 10_000, 61, 0.95
LOOP = "statsmodels OLS in a loop, resampled runs"
RESULTS = Path(__file__).parent / "results" / "bootstrap.csv"

Points = tuple[np.ndarray, np.ndarray, np.ndarray]


def made_up_trends() -> list[Points]:
    """Return x, y and the run of each checkpoint of every trend."""
    generator = np.random.default_rng(0)
    trends = []
    for _ in range(TRENDS):
        x = generator.normal(size=(RUNS, 1)) + 0.5 * generator.normal(size=(RUNS, EPOCHS))
        y = 0.7 * x + 0.1 * generator.normal(size=(RUNS, 1)) + 0.05 * generator.normal(size=(RUNS, EPOCHS))
        trends.append((x.ravel(), y.ravel(), np.repeat(np.arange(RUNS), EPOCHS)))
    return trends


def bootstrap(points: Points, single: bool) -> np.ndarray:
    """Return the slope's interval from resampled runs or single checkpoints, after its band."""
    x, y, runs = points
    lines = resample_lines(x, y, np.arange(len(x)) if single else runs, RESAMPLES, np.random.default_rng(1))
    percentile_band(lines, np.linspace(x.min(), x.max(), PLACES), CONFIDENCE)
    return np.array(percentile_interval(lines.slopes, CONFIDENCE))


def cluster_robust(points: Points) -> np.ndarray:
    """Return the slope's interval from cluster-robust standard errors, after its band."""
    x, y, runs = points
    line = ClusterRobustLine(x, y, runs)
    line.heights(np.linspace(x.min(), x.max(), PLACES)).interval(CONFIDENCE)
    return np.ravel(line.slope().interval(CONFIDENCE))


def loop(points: Points, fits: int) -> np.ndarray:
    """Return the slopes of statsmodels' fits to resampled runs."""
    x, y, runs = points
    generator = np.random.default_rng(1)
    design = np.column_stack([np.ones_like(x), x])
    rows = [np.flatnonzero(runs == run) for run in range(RUNS)]
    slopes = np.empty(fits)
    for number in range(fits):
        drawn = np.concatenate([rows[run] for run in generator.integers(0, RUNS, RUNS)])
        slopes[number] = OLS(y[drawn], design[drawn]).fit().params[1]
    return slopes


def seconds(function: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fits", type=int, default=2000, help="fits of the loop, from which it is extrapolated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    trends = made_up_trends()
    same = resample_lines(*trends[0], resamples=options.fits, generator=np.random.default_rng(1)).slopes
    np.testing.assert_allclose(
        same, loop(trends[0], options.fits), rtol=1e-9
    )  # the same runs, one resample after another
    methods: dict[str, Callable[[], object]] = {
        "cluster-robust intervals and bands": lambda: [cluster_robust(points) for points in trends],
        "bootstrap of runs with bands": lambda: [bootstrap(points, single=False) for points in trends],
        "bootstrap of checkpoints with bands": lambda: [bootstrap(points, single=True) for points in trends],
        LOOP: lambda: loop(trends[0], options.fits),
    }
    rounds: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(options.rounds):
        for name, method in methods.items():
            rounds[name].append(seconds(method))
    factor = TRENDS * RESAMPLES / options.fits
    taken = {name: median(found) * (factor if name == LOOP else 1) for name, found in rounds.items()}
    rows = [
        {
            "what": name,
            "seconds": round(value, 3),
            "times_faster_than_the_loop": round(taken[LOOP] / value, 1),
            "trends": TRENDS,
            "checkpoints": RUNS * EPOCHS,
            "runs": RUNS,
            "resamples": 0 if name.startswith("cluster-robust") else RESAMPLES,
            "measured_fits": options.fits if name == LOOP else "",
            "rounds": options.rounds,
            "machine": machine(),
            "versions": f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}, "
            f"statsmodels {statsmodels.__version__}",
        }
        for name, value in taken.items()
    ]
    for row in rows:
        print(f"{row['what']:45} {row['seconds']:>9} s   {row['times_faster_than_the_loop']:>8} x")
    write_rows(options.output, rows)


if __name__ == "__main__":
    main()
