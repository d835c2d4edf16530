"""Compute RI and mRI of every network, and every change of accuracy behind them."""

from pretraining_robustness.imagenet_rib.results import compute_indices
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: compute_indices(
            scores=snakemake.input.scores,
            turned=snakemake.input.turned,
            errors=snakemake.input.errors,
            mean_errors=snakemake.input.mean_errors,
            benchmark=snakemake.params.benchmark,
            cells=snakemake.output.cells,
            indices=snakemake.output.indices,
            means=snakemake.output.means,
            cell_means=snakemake.output.cell_means,
        ),
    )
