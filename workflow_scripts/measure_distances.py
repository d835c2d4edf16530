"""Measure the distances between variants of ImageNet by optimal transport."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.imagenet_rib.embedding import measure_distances  # brings torch, after the lease

    files = zip(snakemake.input.images, snakemake.input.tables, strict=True)
    measure_distances(
        stores=dict(zip(snakemake.params.transport["stores"], files, strict=True)),
        test_sets=snakemake.params.transport["test_sets"],
        checkpoint=snakemake.input.checkpoint,
        network=snakemake.params.transport["network"],
        count=snakemake.params.transport["count"],
        distances_file=snakemake.output.distances,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
