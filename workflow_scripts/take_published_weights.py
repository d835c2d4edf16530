"""Bring one published network into the pipeline's form."""

from pretraining_robustness.pretrain.published_weights import take_published_weights
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: take_published_weights(
            weights=snakemake.output.weights, text=snakemake.output.get("text"), **snakemake.params.run
        ),
    )
