"""Choose the images of a task that are fine-tuned on."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tasks.training_images import choose_training_images

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: choose_training_images(
            table=snakemake.input.table,
            task=snakemake.output.table,
            **snakemake.params.choice,
        ),
    )
