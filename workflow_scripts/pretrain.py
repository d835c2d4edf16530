"""Pre-train networks on a distribution."""

from functools import partial

from pretraining_robustness.parts import make_parts
from pretraining_robustness.rule import run_rule
from pretraining_robustness.sharing import share_of
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    # Brings torch, which must see the leased GPU only.
    from pretraining_robustness.pretrain.pretrain import pretrain

    code, threads = snakemake.params.code, snakemake.threads
    make_parts(snakemake.params.parts, partial(pretrain, code=code, threads=threads), code, share_of(snakemake))


if __name__ == "__main__":
    run_rule(snakemake, main)
