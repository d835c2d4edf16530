"""Embed the names of a task's classes into the head that starts fine-tuning."""

from pretraining_robustness.finetune.make_zero_shot_head import make_zero_shot_head
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: make_zero_shot_head(
            text=snakemake.input.text,
            classes=snakemake.input.classes,
            head=snakemake.output.head,
            threads=snakemake.threads,
        ),
    )
