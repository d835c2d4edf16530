"""Fine-tune networks on downstream tasks, with a checkpoint every epoch."""

from functools import partial

from pretraining_robustness.parts import make_parts
from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    # Brings torch, which must see the leased GPU only.
    from pretraining_robustness.finetune.finetune import finetune

    code, threads = snakemake.params.code, snakemake.threads
    make_parts(snakemake.params.parts, partial(finetune, code=code, threads=threads), code)


if __name__ == "__main__":
    run_rule(snakemake, main)
