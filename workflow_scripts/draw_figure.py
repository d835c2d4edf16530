"""Draw one figure, with the table and the caption that belong to it."""

from pretraining_robustness.figures.draw import draw_figure
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_figure(
            scores=snakemake.input.get("scores") or None,
            trends=snakemake.input.trends,
            bands=snakemake.input.bands,
            specification=snakemake.params.figure,
            pdf=snakemake.output.pdf,
            png=snakemake.output.png,
            table=snakemake.output.table,
            caption=snakemake.output.caption,
            comparisons=snakemake.input.get("comparisons") or None,
            published=snakemake.input.get("published", []),
        ),
    )
