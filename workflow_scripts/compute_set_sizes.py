"""Compute RI after fine-tuning on sets of growing size."""

from pretraining_robustness.imagenet_rib.set_size import compute_set_sizes
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: compute_set_sizes(
            scores=snakemake.input.scores,
            tasks=dict(zip(snakemake.params.study["variants"], snakemake.input.tasks, strict=True)),
            sizes=snakemake.output.sizes,
            **snakemake.params.study,
        ),
    )
