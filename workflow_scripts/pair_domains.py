"""Make a downstream task of two domains: fine-tune in one, evaluate in both."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tasks.domain_pairs import pair_domains

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: pair_domains(
            table=snakemake.input.table,
            pairs=snakemake.output.table,
            **snakemake.params.pair,
        ),
    )
