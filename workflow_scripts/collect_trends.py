"""Put the trend tables of all figures into one."""

import pandas as pd

from pretraining_robustness.files import atomic_path
from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.fit import read_trends


def collect_trends(tables: list[str], trends: str) -> None:
    with atomic_path(trends) as path:
        pd.concat([read_trends(table) for table in tables], ignore_index=True).to_csv(path, index=False)


if __name__ == "__main__":
    run_rule(snakemake, lambda: collect_trends(tables=snakemake.input.trends, trends=snakemake.output.trends))
