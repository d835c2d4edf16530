"""Compare mRI of networks that differ in their pre-training data alone."""

from pretraining_robustness.imagenet_rib.crossing import cross_with_pretraining
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: cross_with_pretraining(
            indices=snakemake.input.indices,
            figure=snakemake.params.figure,
            means=snakemake.output.means,
            trends=snakemake.output.trends,
            contrasts=snakemake.output.contrasts,
        ),
    )
