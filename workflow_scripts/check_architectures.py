"""Build every network of the study before anything trains."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import lease_card


def main() -> None:
    lease_card(0)
    from pretraining_robustness.finetune.check_architectures import check_architectures  # brings torch

    check_architectures(**snakemake.params.networks, table=snakemake.output.table)


if __name__ == "__main__":
    run_rule(snakemake, main)
