"""Draw pictures and keep those that a trained network gets wrong, as ImageNet-A."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.imagenet_rib.adversarial_filter import draw_adversarial  # brings torch, after the lease
    from pretraining_robustness.miniature.formats.variant_world import World

    draw_adversarial(
        file=snakemake.output[0],
        weights=snakemake.input.weights,
        labels=snakemake.input.classes,
        world=World(**snakemake.params.world, table=snakemake.input.table),
        **snakemake.params.network,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
