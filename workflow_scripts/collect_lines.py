"""Put the lines of all figures into one table."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.baselines import collect_lines

if __name__ == "__main__":
    run_rule(snakemake, lambda: collect_lines(list(snakemake.input.lines), snakemake.output.lines))
