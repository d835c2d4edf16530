"""Write the page of all results, to be explored in a browser."""

from pretraining_robustness.report.page import write_page
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_page(
            scores=snakemake.input.scores,
            trends=snakemake.input.trends,
            curves=snakemake.input.curves,
            page=snakemake.output.page,
            **snakemake.params.page,
        ),
    )
