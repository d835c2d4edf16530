"""Fail where a study does not show what a working pipeline must show."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.calibration import check_calibration

if __name__ == "__main__":
    run_rule(snakemake, lambda: check_calibration(table=snakemake.input.csv, report=snakemake.output.report))
