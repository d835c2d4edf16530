"""Draw a figure of ImageNet-RIB, with the table and the caption that belong to it."""

from pretraining_robustness.figures.rib_figure import draw_rib_figure
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_rib_figure(
            rows=[snakemake.input.rows] if isinstance(snakemake.input.rows, str) else snakemake.input.rows,
            beside={name: path for name, path in snakemake.input.items() if name not in (None, "rows")},
            figure=snakemake.params.figure,
            pdf=snakemake.output.pdf,
            png=snakemake.output.png,
            table=snakemake.output.table,
            caption=snakemake.output.caption,
        ),
    )
