"""Keep the network with which fine-tuning starts as the checkpoint of epoch 0."""

from pretraining_robustness.finetune.start import save_start
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: save_start(
            table=snakemake.input.table,
            pretrained=snakemake.input.get("weights"),
            head=snakemake.input.get("head"),
            checkpoint=snakemake.output.checkpoint,
            **snakemake.params.run,
        ),
    )
