"""Write the page of all results of ImageNet-RIB."""

from pretraining_robustness.report.rib_page import write_rib_page
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_rib_page(
            cells=snakemake.input.cells,
            figures=snakemake.input.figures,
            captions=snakemake.input.captions,
            tables=snakemake.input.tables,
            page=snakemake.output.page,
            **snakemake.params.page,
        ),
    )
