"""Render every weighting of every system of maps into a store of fractals."""

from pretraining_robustness.fractaldb.render import render_fractals
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: render_fractals(
            systems=snakemake.input.systems,
            **snakemake.params.render,
            images=snakemake.output.images,
            table=snakemake.output.table,
            classes=snakemake.output.classes,
            undecodable=snakemake.output.undecodable,
            state=snakemake.params.state,
            code=snakemake.params.code,
            threads=snakemake.threads,
        ),
    )
