"""Draw the pipeline, with the table of its jobs and the caption that belong to it."""

from pretraining_robustness.figures.pipeline_figure import draw_pipeline
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_pipeline(
            jobs=snakemake.input.jobs,
            edges=snakemake.input.edges,
            specification=snakemake.params.figure,
            pdf=snakemake.output.pdf,
            png=snakemake.output.png,
            table=snakemake.output.table,
            caption=snakemake.output.caption,
        ),
    )
