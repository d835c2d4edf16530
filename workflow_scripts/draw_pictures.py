"""Draw grids of random pictures, with the list of them and the caption that belong to it."""

from pretraining_robustness.figures.draw_pictures import draw_pictures
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_pictures(
            images=snakemake.input.images,
            tables=snakemake.input.tables,
            classes=snakemake.input.classes,
            manifests=snakemake.input.manifests,
            specification=snakemake.params.figure,
            pdf=snakemake.output.pdf,
            png=snakemake.output.png,
            table=snakemake.output.table,
            caption=snakemake.output.caption,
        ),
    )
