"""Generate one shard of a diffusion source's images."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.stable_diffusion.generate import generate_images  # brings torch, after the lease

    generate_images(
        plan=snakemake.input.plan,
        images=snakemake.output.images,
        table=snakemake.output.table,
        metrics=snakemake.output.metrics,
        **snakemake.params.generation,
        shard=int(snakemake.wildcards.shard),
        state=snakemake.params.state,
        code=snakemake.params.code,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
