"""Score the predictions of a series on every test set."""

from pretraining_robustness.evaluate.score import score
from pretraining_robustness.parts import make_parts
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(snakemake, lambda: make_parts(snakemake.params.parts, score, snakemake.params.code))
