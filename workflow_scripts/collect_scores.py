"""Join the scores of a figure's runs into one table."""

from pretraining_robustness.evaluate.scores import collect_scores
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: collect_scores(inputs=list(snakemake.input.scores), output=snakemake.output.scores),
    )
