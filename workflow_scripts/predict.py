"""Predict every test set of a task with every checkpoint of a series."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.evaluate.predict import predict  # brings torch, which must see the leased card only

    files = zip(snakemake.input.images, snakemake.input.tables, strict=True)
    predict(
        stores=dict(zip(snakemake.params.series["stores"], files, strict=True)),
        test_sets=snakemake.params.series["test_sets"],
        networks=snakemake.params.series["networks"],
        checkpoints=snakemake.input.checkpoints,
        predictions=snakemake.output.predictions,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
