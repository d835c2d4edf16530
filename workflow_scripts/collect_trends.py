"""Put the trend tables of all figures into one."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.fit import collect_trends

if __name__ == "__main__":
    run_rule(snakemake, lambda: collect_trends(tables=snakemake.input.trends, trends=snakemake.output.trends))
