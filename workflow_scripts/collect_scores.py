"""Join the scores of a figure's runs into one table, and those without each cluster of the test images into another."""

from pretraining_robustness.evaluate.left_out import collect_left_out
from pretraining_robustness.evaluate.scores import collect_scores
from pretraining_robustness.rule import run_rule


def main() -> None:
    collect_scores(inputs=list(snakemake.input.scores), output=snakemake.output.scores)
    collect_left_out(inputs=list(snakemake.input.left_out), output=snakemake.output.left_out)


if __name__ == "__main__":
    run_rule(snakemake, main)
