"""Does the miniature show its effect in other worlds too, and none where labels are shuffled? Figure 2, world by world.

    make benchmark-calibration OPTIONS="--folder /a/large/folder --worlds 0 1 2 3 4"

A world is the study with another `world_seed`, made by the workflow in a folder of its own, some ten minutes on two
cores. At the end, in the first one, the labels of ImageNet's images are shuffled after the distribution was checked, as
a broken pipeline would, and Figure 2 is made again; that folder is then of no further use. Written: the scores of every
checkpoint (results/calibration_checkpoints.csv; the shuffled series is imagenet_full_shuffled), and what the workflow's
own tests say of them, held against table7 (results/calibration.csv).
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from pretraining_robustness.evaluate.scores import paired_scores, read_scores
from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.calibration import Expectation, calibrate
from pretraining_robustness.trends.comparisons import read_comparisons, read_contrasts

REPOSITORY = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results"
FIGURE = "fig2"
CHECKPOINT = ["distribution", "architecture", "seed", "epoch"]
OUTCOME = ["figure", "expected", "first", "second", "estimate", "low", "high", "p", "shown", "agrees"]


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
    pair = {"id": "id_test", "ood": "test"}
    table = paired_scores(read_scores(folder / f"results/scores/{FIGURE}.csv"), {"iwildcam": pair})
    return table[[*CHECKPOINT, "id_macro_f1", "ood_macro_f1"]].assign(world=world).round(4)


def outcome(folder: Path, world: int, expectations: list[Expectation]) -> pd.DataFrame:
    """Return what the workflow's tests say of the figure, beside what is expected."""
    comparisons = read_comparisons(folder / f"results/comparisons/{FIGURE}.csv")
    contrasts = read_contrasts(folder / f"results/comparisons/{FIGURE}_contrasts.csv")
    return calibrate(expectations, comparisons, contrasts, 0.95)[OUTCOME].assign(world=world)


def main() -> None:
    """Make every world's figure and write both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="keeps every world: 2 GB each")
    parser.add_argument("--worlds", type=int, nargs="+", default=list(range(5)))
    options = parser.parse_args()
    config = yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8"))
    entries = [Expectation.from_dict(one) for one in config["tables"]["table7"]["expectations"]]
    expectations = [one for one in entries if one.figure == FIGURE and one.decisive]
    scored, shown = [], []
    for world in options.worlds:
        folder = options.folder / f"world_{world}"
        make_figure(folder, world)
        scored.append(checkpoints(folder, world))
        shown.append(outcome(folder, world, expectations))
    first = options.worlds[0]
    broken = options.folder / f"world_{first}"
    shuffle_labels(broken, "imagenet_full")
    make_figure(broken, first)
    table = checkpoints(broken, first)
    trained = table["distribution"] == "imagenet_full"
    scored.append(table[trained].assign(distribution="imagenet_full_shuffled"))
    shown.append(outcome(broken, first, expectations).replace("imagenet_full", "imagenet_full_shuffled"))
    for name, parts in (("calibration_checkpoints", scored), ("calibration", shown)):
        rows = pd.concat(parts, ignore_index=True)
        columns = ["world", *(column for column in rows.columns if column != "world")]
        with atomic_path(RESULTS / f"{name}.csv") as path:
            rows[columns].round(4).to_csv(path, index=False)
        print(rows[columns].to_string())


if __name__ == "__main__":
    main()
