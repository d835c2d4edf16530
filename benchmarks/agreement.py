"""Time and memory of agreement: 6 series x 9 networks x 12 epochs on twice 40,000 images, written to a CSV table.

make benchmark-agreement        under a minute
"""

import resource
import time
from pathlib import Path

import numpy as np
from machine import measured_on

SERIES, NETWORKS, EPOCHS, IMAGES, CLASSES, CAMERAS = 6, 9, 12, 40_000, 182, 48


def main() -> None:
    """Measure once and write `benchmarks/results/agreement.csv`."""
    from pretraining_robustness.beyond.agreement import Answered, aline_d, aline_s, compare_lines, pairs_of
    from pretraining_robustness.files import write_rows

    random = np.random.default_rng(0)
    truth, cameras = random.integers(0, CLASSES, IMAGES), random.integers(0, CAMERAS, IMAGES)
    names = [f"net{number}" for number in range(NETWORKS) for _ in range(EPOCHS)]
    pairs = pairs_of(names)
    accuracy = random.uniform(0.4, 0.8, len(names))[:, None]
    spent = 0.0
    for _ in range(SERIES):
        sets = []
        for lower in (0.0, 0.2):
            right = random.random((len(names), IMAGES), dtype=np.float32) < accuracy - lower
            wrong = random.integers(0, CLASSES, right.shape, dtype=np.int16)
            sets.append(np.where(right, truth, wrong).astype(np.int16))
        start = time.process_time()
        inside, outside = (Answered.count(one, truth, cameras, pairs) for one in sets)
        compare_lines(inside, outside, pairs, names)
        agreement = inside.agreement(), outside.agreement()
        aline_s(inside.accuracy(), *agreement)
        aline_d(inside.accuracy(), *agreement, pairs)
        spent += time.process_time() - start
    row = {
        **{"series": SERIES, "networks": NETWORKS, "epochs": EPOCHS, "images": 2 * IMAGES, "pairs": len(pairs)},
        **{"cpu_seconds": round(spent, 1)},
        "peak_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
        **measured_on(),
    }
    write_rows(Path(__file__).parent / "results/agreement.csv", [row])
    print(row)


if __name__ == "__main__":
    main()
