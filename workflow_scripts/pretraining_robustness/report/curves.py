"""Training curves: what every run of pre-training and fine-tuning noted after each epoch, in one table."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from pretraining_robustness.errors import InputError
from pretraining_robustness.files import atomic_path

logger = logging.getLogger(__name__)

STAGES = ("pretrain", "finetune")
RUN = ["stage", "task", "method", "distribution", "architecture", "seed"]
"""The columns that name one run; `task` is empty for pre-training, which serves all tasks."""

METRICS = ["images", "loss", "accuracy", "learning_rate", "images_per_second", "peak_gpu_memory_mb", "seconds"]
METRICS += ["held_out_images", "held_out_accuracy"]
"""What the training loop notes after an epoch: number of training images seen; mean loss and accuracy on them, as
augmented; the last step's learning rate; images per second; the GPU's peak memory in MiB (0 without one); seconds; with
`runs.held_out`, the number of images that pre-training leaves out and the accuracy on them."""

NEEDED = ["epoch", "loss", "images_per_second", "seconds"]
"""What every metrics file has; the rest is empty where it has no meaning."""

JOB = ["job_seconds", "job_max_rss_mb"]
"""What Snakemake measured of the whole job: wall-clock seconds and the largest resident memory in MiB."""

COLUMNS = [*RUN, "epoch", *METRICS, *JOB]
_TEXT = ["stage", "task", "method", "distribution", "architecture"]


def collect_curves(metrics: Sequence[str | Path], curves: str | Path, *, runs: Sequence[Mapping[str, Any]]) -> None:
    """Join the metrics of all runs into one CSV table (`COLUMNS`, one row per run and epoch, sorted).

    Args:
        metrics: the `metrics.csv` of each run, as the training loop wrote it.
        curves: the table to write.
        runs: for each of `metrics`, in the same order, `stage` (one of `STAGES`), `task` (empty or missing for
            pre-training), `method`, `distribution`, `architecture`, `seed`, and `benchmark`: the table that Snakemake
            wrote of the job, or None. A benchmark that is not there leaves its columns empty; one of a job that was
            resumed tells of its last part only.

    Raises:
        InputError: a metrics file is not what the training loop writes, or the lists differ in length.
    """
    if len(metrics) != len(runs):
        raise InputError(f"{curves}: {len(metrics)} metrics files for {len(runs)} runs; give one for each")
    parts = [_curve(path, run) for path, run in zip(metrics, runs, strict=True)]
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=COLUMNS)
    with atomic_path(curves) as temporary:
        table.sort_values([*RUN, "epoch"], ignore_index=True)[COLUMNS].to_csv(temporary, index=False)
    logger.info("collected %d epochs of %d runs", len(table), len(parts))


def read_curves(path: str | Path) -> pd.DataFrame:
    """Read a table of training curves as `collect_curves` wrote it.

    Raises:
        InputError: the file is missing or has other columns.
    """
    numbers = [name for name in COLUMNS if name not in _TEXT]
    missing = {name: [""] for name in numbers}
    table = _read_csv(path, dtype=dict.fromkeys(_TEXT, str), keep_default_na=False, na_values=missing)
    if list(table.columns) != COLUMNS:
        raise InputError(f"{path}: is not a table of training curves of this version; remove it to collect again")
    return table


def _curve(path: str | Path, run: Mapping[str, Any]) -> pd.DataFrame:
    if run["stage"] not in STAGES:
        raise InputError(f"{path}: {run['stage']!r} is not a stage of training; use {' or '.join(STAGES)}")
    table = _read_csv(path)
    missing = [name for name in NEEDED if name not in table.columns]
    if missing or table.empty:
        what = f"has no column {', '.join(missing)}" if missing else "holds no epoch"
        raise InputError(f"{path}: {what}; remove the folder to train the run again")
    named = {name: run.get(name) or "" for name in _TEXT} | {"seed": int(run["seed"])}
    return table.reindex(columns=["epoch", *METRICS]).assign(**named, **_job(run.get("benchmark")))


def _job(benchmark: str | Path | None) -> dict[str, float]:
    """Return the seconds and the memory of a job; NaN where Snakemake did not measure them."""
    if benchmark is None or not Path(benchmark).is_file():
        return dict.fromkeys(JOB, float("nan"))
    table = _read_csv(benchmark, sep="\t")
    columns = {ours: table.get(theirs, pd.Series([None])) for ours, theirs in zip(JOB, ("s", "max_rss"), strict=True)}
    # A job that ends before it was looked at has "-" or "NA" for its memory.
    return {ours: float(pd.to_numeric(column, errors="coerce").max()) for ours, column in columns.items()}


def _read_csv(path: str | Path, **options: Any) -> pd.DataFrame:
    try:
        return pd.read_csv(path, **options)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; train the run first") from None
    except (pd.errors.EmptyDataError, pd.errors.ParserError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{path}: not a readable table ({error}); remove it to make it again") from None
