"""Predict every test set of a task with every checkpoint of a series, or of several."""

from itertools import islice

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.evaluate.predict import predict  # brings torch, which must see the leased card only

    files, checkpoints = (snakemake.input.images, snakemake.input.tables), iter(snakemake.input.checkpoints)
    for series, predictions in zip(snakemake.params.series, snakemake.output.predictions, strict=True):
        predict(
            stores=dict(zip(series["stores"], zip(*files, strict=True), strict=True)),
            test_sets=series["test_sets"],
            networks=series["networks"],
            checkpoints=list(islice(checkpoints, series["checkpoints"])),
            predictions=predictions,
            before=snakemake.input.get("before") or None,  # an empty list where there are none
            threads=snakemake.threads,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
