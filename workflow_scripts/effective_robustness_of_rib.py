"""Measure how far every cell of ImageNet-RIB lies above networks trained on ImageNet alone."""

from pretraining_robustness.imagenet_rib.effective import effective_robustness_of_cells
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: effective_robustness_of_cells(
            cells=snakemake.input.cells,
            effective=snakemake.output.effective,
            lines=snakemake.output.lines,
            points=snakemake.output.points,
            **snakemake.params.robustness,
        ),
    )
