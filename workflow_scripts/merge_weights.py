"""Merge the weights of networks into one network, or into several."""

from itertools import cycle, islice

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.finetune.merge import merge_weights  # brings torch, which must see the leased card only

    checkpoints = iter(snakemake.input.checkpoints)
    held_out = zip(snakemake.input.get("images", [None]), snakemake.input.get("tables", [None]), strict=True)
    files = zip(snakemake.params.merges, snakemake.output.merged, strict=True)
    for (merge, merged), (images, table) in zip(files, cycle(held_out), strict=False):  # every method takes all tasks
        merge_weights(
            checkpoints=list(islice(checkpoints, len(merge["method"]["of"]))),
            images=images,
            table=table,
            merged=merged,
            threads=snakemake.threads,
            **merge,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
