"""Compare the predictions after fine-tuning on every variant of ImageNet with those before."""

from pretraining_robustness.imagenet_rib.comparison import compare_with_start
from pretraining_robustness.rule import run_rule


def main() -> None:
    benchmark, each = snakemake.params.benchmark, len(snakemake.input.tasks)
    for number, method in enumerate(snakemake.params.methods):
        predictions = snakemake.input.predictions[number * each : (number + 1) * each]
        compare_with_start(
            predictions=dict(zip(benchmark["variants"], predictions, strict=True)),
            tasks=dict(zip(benchmark["variants"], snakemake.input.tasks, strict=True)),
            tables=dict(zip(benchmark["stores"], snakemake.input.tables, strict=True)),
            variants=benchmark["variants"],
            test_sets=benchmark["test_sets"],
            sharing=benchmark["sharing"],
            method=method,
            distribution=snakemake.wildcards.distribution,
            turned=snakemake.output.turned[number],
            errors=snakemake.output.errors[number],
            mean_errors=snakemake.output.mean_errors[number],
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
