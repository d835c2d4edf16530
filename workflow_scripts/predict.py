"""Predict every test set of a task with every checkpoint of a series; or of several series, of several tasks."""

from itertools import cycle, islice

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.evaluate.predict import predict  # brings torch, which must see the leased card only

    checkpoints = iter(snakemake.input.checkpoints)
    stores = cycle(zip(snakemake.input.images, snakemake.input.tables, strict=True))
    for series, predictions in zip(snakemake.params.series, snakemake.output.predictions, strict=True):
        predict(
            stores=dict(zip(series["stores"], stores, strict=False)),  # every method takes all tasks in turn
            test_sets=series["test_sets"],
            networks=series["networks"],
            checkpoints=list(islice(checkpoints, series["checkpoints"])),
            predictions=predictions,
            groups=series.get("groups"),
            before=snakemake.input.get("before") or None,  # an empty list where there are none
            threads=snakemake.threads,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
