"""Merge the weights of networks."""

from functools import partial

from pretraining_robustness.parts import make_parts
from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    # Brings torch, which must see the leased GPU only.
    from pretraining_robustness.finetune.merge import merge_weights

    make_parts(snakemake.params.parts, partial(merge_weights, threads=snakemake.threads), snakemake.params.code)


if __name__ == "__main__":
    run_rule(snakemake, main)
