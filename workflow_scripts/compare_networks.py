"""Compare the representations of networks after fine-tuning with those before, layer by layer."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.imagenet_rib.similarity import compare_networks  # brings torch, after the lease

    compare_networks(
        images=snakemake.input.images,
        table=snakemake.input.table,
        task=snakemake.input.task,
        checkpoints=snakemake.input.checkpoints,
        similarity=snakemake.output.similarity,
        threads=snakemake.threads,
        **snakemake.params.comparison,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
