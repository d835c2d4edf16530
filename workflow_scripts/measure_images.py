"""Measure which images the first of two series wins at equal ID accuracy, and where the line turns over."""

from pretraining_robustness.beyond.measure_images import measure_images
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: measure_images(
            predictions=list(snakemake.input.predictions),
            tables=dict(zip(snakemake.params.stores, snakemake.input.tables, strict=True)),
            **snakemake.output,
            **snakemake.params.images,
        ),
    )
