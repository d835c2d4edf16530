"""Does the miniature show its effect in other worlds too, and none where labels are shuffled? Figure 2, world by world.

    make benchmark-calibration OPTIONS="--folder /a/large/folder --worlds 0 1 2 3 4"

A world is the study with another `world_seed`, made by the workflow in a folder of its own, some ten minutes on two
cores. At the end, in the first one, the labels of ImageNet's images are shuffled after the distribution was checked, as
a broken pipeline would, and Figure 2 is made again; that folder is then of no further use. Written: the scores of every
checkpoint (results/calibration_checkpoints.csv; the shuffled series is imagenet_full_shuffled), and what the workflow's
own tests say of them, held against table7 (results/calibration.csv). Without --folder the record is judged anew.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from machine import measured_on

from pretraining_robustness.evaluate.scores import paired_scores, read_scores, write_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.study import show
from pretraining_robustness.study.study import Study
from pretraining_robustness.trends.calibration import Expectation, calibrate
from pretraining_robustness.trends.comparisons import compare_series, read_comparisons, read_contrasts

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
FIGURE = "fig2"
CHECKPOINT = ["distribution", "architecture", "seed", "epoch"]
OUTCOME = [
    "figure",
    "expected",
    "first",
    "second",
    "estimate",
    "low",
    "high",
    "p",
    "smallest_margin",
    "shown",
    "agrees",
]
PRETRAINED = "imagenet_full"
PAIR = {"id": "id_test", "ood": "test"}
IMAGES = {"id_test": 1100, "test": 2400}


def make_figure(folder: Path, world: int) -> None:
    """Make the figure of a world in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    study = folder / "world.yaml"
    study.write_text(yaml.safe_dump({"world_seed": world}), encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--snakefile",
        str(REPOSITORY / "Snakefile"),
        FIGURE,
        "--quiet",
        "all",
    ]
    subprocess.run([*command, "--directory", folder, "--cores", "all", "--configfile", study], check=True)


def shuffle_labels(folder: Path, distribution: str) -> None:
    """Exchange the labels of a distribution's images at random, behind the back of what has checked them."""
    index = folder / "results/distributions" / distribution / "index.parquet"
    table = pd.read_parquet(index)
    table["label"] = np.random.default_rng(0).permutation(table["label"])
    with atomic_path(index) as path:
        table.to_parquet(path, index=False)


def checkpoints(folder: Path, world: int) -> pd.DataFrame:
    """Return the scores of the figure's checkpoints."""
    table = paired_scores(read_scores(folder / f"results/scores/{FIGURE}.csv"), {"iwildcam": PAIR})
    return table[[*CHECKPOINT, "id_macro_f1", "ood_macro_f1"]].assign(world=world).round(4)


def judge(table: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
    """Return what the workflow's tests say of one world's checkpoints, beside the decisive expectations of the figure.

    The intervals are over networks: the scores without each camera were not recorded.
    """
    entries = [Expectation.from_dict(one) for one in config["tables"]["table7"]["expectations"]]
    rows = [
        {**{name: row[name] for name in CHECKPOINT}, "task": "iwildcam", "method": "full", "metric": "macro_f1"}
        | {"test_set": test_set, "score": row[f"{role}_macro_f1"], "images": IMAGES[test_set]}
        for row in table.to_dict("records")
        for role, test_set in PAIR.items()
    ]
    with tempfile.TemporaryDirectory() as folder:
        scores, compared, contrasted = (Path(folder) / name for name in ("scores.csv", "comparisons", "contrasts"))
        write_scores(scores, rows)
        spec = show.comparison(Study(config), FIGURE)
        compare_series(scores, compared, contrasted, figure=spec, **config["comparisons"])
        decisive = [one for one in entries if one.figure == FIGURE and one.decisive]
        return calibrate(decisive, read_comparisons(compared), read_contrasts(contrasted), 0.95)


def with_shuffled_labels(table: pd.DataFrame) -> pd.DataFrame:
    """Return the checkpoints of a world with those of shuffled labels in place of the pre-trained ones."""
    kept = table[table["distribution"] != PRETRAINED]
    return kept.replace(f"{PRETRAINED}_shuffled", PRETRAINED)


def judge_all(table: pd.DataFrame, config: dict[str, Any]) -> pd.DataFrame:
    """Return the outcome of every world, and of shuffled labels where they are recorded."""
    shown = []
    for world, rows in table.groupby("world"):
        shown.append(judge(rows, config).assign(world=world))
        if rows["distribution"].str.endswith("_shuffled").any():
            broken = judge(with_shuffled_labels(rows), config).replace(PRETRAINED, f"{PRETRAINED}_shuffled")
            shown.append(broken.assign(world=world))
    judged = pd.concat(shown, ignore_index=True)
    return judged[["world", *OUTCOME]].round(4)


def main() -> None:
    """Make every world's figure if asked to, and judge what is recorded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="keeps every world, 2 GB each; else the record is judged anew")
    parser.add_argument("--worlds", type=int, nargs="+", default=list(range(5)))
    options = parser.parse_args()
    recorded = RESULTS / "calibration_checkpoints.csv"
    if options.folder:
        scored = []
        for world in options.worlds:
            make_figure(options.folder / f"world_{world}", world)
            scored.append(checkpoints(options.folder / f"world_{world}", world))
        first = options.worlds[0]
        broken = options.folder / f"world_{first}"
        shuffle_labels(broken, PRETRAINED)
        make_figure(broken, first)
        table = checkpoints(broken, first)
        scored.append(table[table["distribution"] == PRETRAINED].assign(distribution=f"{PRETRAINED}_shuffled"))
        with atomic_path(recorded) as path:
            pd.concat(scored)[["world", *CHECKPOINT, "id_macro_f1", "ood_macro_f1"]].round(4).assign(
                **measured_on()
            ).to_csv(path, index=False)
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    judged = judge_all(pd.read_csv(recorded), config)
    with atomic_path(RESULTS / "calibration.csv") as path:
        judged.assign(**measured_on()).to_csv(path, index=False)
    print(judged.to_string())


if __name__ == "__main__":
    main()
