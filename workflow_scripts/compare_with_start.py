"""Compare the predictions after fine-tuning on every variant of ImageNet with those before."""

from pretraining_robustness.imagenet_rib.comparison import compare_with_start
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: compare_with_start(
            predictions=dict(zip(snakemake.params.benchmark["variants"], snakemake.input.predictions, strict=True)),
            tasks=dict(zip(snakemake.params.benchmark["variants"], snakemake.input.tasks, strict=True)),
            tables=dict(zip(snakemake.params.benchmark["stores"], snakemake.input.tables, strict=True)),
            variants=snakemake.params.benchmark["variants"],
            test_sets=snakemake.params.benchmark["test_sets"],
            sharing=snakemake.params.benchmark["sharing"],
            method=snakemake.wildcards.method,
            distribution=snakemake.wildcards.distribution,
            turned=snakemake.output.turned,
            errors=snakemake.output.errors,
            mean_errors=snakemake.output.mean_errors,
        ),
    )
