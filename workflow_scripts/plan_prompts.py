"""Write every prompt of a diffusion source and the plan of its images."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.stable_diffusion.image_plan import plan_prompts


def main() -> None:
    plan_prompts(
        classes=snakemake.input.classes,
        prompts=snakemake.output.prompts,
        table=snakemake.output.images,
        **snakemake.params.plan,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
