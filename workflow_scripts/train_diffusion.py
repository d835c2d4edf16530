"""Train a small latent diffusion model on a store of ImageNet's classes."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.stable_diffusion.train_diffusion import train_diffusion  # brings torch, after the lease

    train_diffusion(
        images=snakemake.input.images,
        table=snakemake.input.table,
        classes=snakemake.input.classes,
        pipeline=snakemake.output.pipeline,
        metrics=snakemake.output.metrics,
        model=snakemake.params.model,
        state=snakemake.params.state,
        code=snakemake.params.code,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
