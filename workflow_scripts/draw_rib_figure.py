"""Draw a figure of ImageNet-RIB, with the table and the caption that belong to it."""

from pretraining_robustness.figures.rib_figure import draw_rib_figure
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_rib_figure(
            tables=[snakemake.input.tables] if isinstance(snakemake.input.tables, str) else snakemake.input.tables,
            published=snakemake.input.get("published") or None,
            figure=snakemake.params.figure,
            pdf=snakemake.output.pdf,
            png=snakemake.output.png,
            table=snakemake.output.table,
            caption=snakemake.output.caption,
        ),
    )
