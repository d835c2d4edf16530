"""Print what comparisons found: python workflow_scripts/print_findings.py results/comparisons/fig2.csv ..."""

import sys

from pretraining_robustness.errors import InputError
from pretraining_robustness.trends.comparisons import read_comparisons
from pretraining_robustness.trends.conclusions import findings

if __name__ == "__main__":
    try:
        print(findings([read_comparisons(path) for path in sys.argv[1:]]))
    except (InputError, FileNotFoundError) as error:
        sys.exit(f"ERROR: {error}")
