"""How often intervals hold the truth and verdicts are wrong, in simulated studies of networks and cameras.

    make benchmark-interval_coverage        1,000 studies of each design: an hour of a core

Written: results/interval_coverage.csv, one row per design: parts of the studies in which an interval holds the truth
(nominal 0.95; those of networks alone take the test images as given), and in which a verdict is false (at most 0.05).
`raw_rise` is how often raw scores rise with the number of images where no series is more robust than another.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from simulated_studies import World, outcome

from pretraining_robustness.files import atomic_path
from pretraining_robustness.trends.baselines import commit_of

RESULTS = Path(__file__).parent / "results"
DESIGNS = [
    World(architectures=6, seeds=2),
    World(architectures=9, seeds=1, epochs=12),
    World(architectures=9, seeds=3, epochs=12),
]


def main() -> None:
    """Simulate every design and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=1000)
    options = parser.parse_args()
    rows = []
    for world in DESIGNS:
        generator = np.random.default_rng(0)
        found = pd.DataFrame([outcome(world, generator) for _ in range(options.studies)]).mean().round(3)
        design = {name: getattr(world, name) for name in ("architectures", "seeds", "epochs", "cameras")}
        rows.append({**design, "studies": options.studies, **found.to_dict(), "commit": commit_of(RESULTS)})
        print(rows[-1], flush=True)
    with atomic_path(RESULTS / "interval_coverage.csv") as path:
        pd.DataFrame(rows).to_csv(path, index=False)


if __name__ == "__main__":
    main()
