"""Search for the systems of maps whose fractals fill enough of the frame."""

from pretraining_robustness.fractaldb.search import search_fractals
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: search_fractals(
            **snakemake.params.search,
            systems=snakemake.output.systems,
            search=snakemake.output.search,
            threads=snakemake.threads,
        ),
    )
