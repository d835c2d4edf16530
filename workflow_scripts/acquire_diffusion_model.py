"""Fetch a diffusion model from the Hugging Face Hub, as it was at one commit."""

from pretraining_robustness.acquire.diffusion_model import acquire_diffusion_model
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: acquire_diffusion_model(
            **snakemake.params.model,
            folder=snakemake.output.model,
            state=snakemake.params.part,
        ),
    )
