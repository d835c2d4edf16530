"""Join the scores of a figure's runs into one table."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.scores import collect_scores

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: collect_scores(inputs=list(snakemake.input.scores), output=snakemake.output.scores),
    )
