"""Draw one figure, with the table and the caption that belong to it."""

from pretraining_robustness.figures.draw import draw_figure
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_figure(
            files={name: found for name, found in snakemake.input.items() if name and found},
            figure=snakemake.params.figure,
            pdf=snakemake.output.pdf,
            png=snakemake.output.png,
            table=snakemake.output.table,
            caption=snakemake.output.caption,
        ),
    )
