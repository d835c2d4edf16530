"""Merge the weights of networks into one network."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.finetune.merge import merge_weights  # brings torch, which must see the leased card only

    merge_weights(
        checkpoints=snakemake.input.checkpoints,
        images=snakemake.input.get("images"),
        table=snakemake.input.get("table"),
        merged=snakemake.output.merged,
        threads=snakemake.threads,
        **snakemake.params.merge,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
