"""Predict every test set of a task with every checkpoint of series."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    # Brings torch, which must see the leased GPU only.
    from pretraining_robustness.evaluate.predict import predict_parts

    predict_parts(snakemake.params.parts, snakemake.params.code, snakemake.threads)


if __name__ == "__main__":
    run_rule(snakemake, main)
