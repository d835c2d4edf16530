"""Predict both test splits with every checkpoint of a run and score the predictions."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import lease_card


def main() -> None:
    lease_card()
    from pretraining_robustness.evaluate.evaluate import evaluate  # brings torch, which must see the leased card only

    run = snakemake.params.run
    evaluate(
        images=snakemake.input.images,
        table=snakemake.input.table,
        checkpoints=snakemake.input.checkpoints,
        predictions=snakemake.output.predictions,
        scores=snakemake.output.scores,
        architecture=run["architecture"],
        recipe=run["recipe"],
        task={"name": run["task"], "id_split": run["id_split"], "ood_split": run["ood_split"]},
        run={"distribution": run["distribution"], "architecture": run["architecture_name"], "seed": run["seed"]},
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
