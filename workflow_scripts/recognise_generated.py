"""Ask a classifier trained on real images what generated ones show."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.evaluate.recognise import recognise_generated  # brings torch, after the lease

    recognise_generated(
        images=snakemake.input.images,
        table=snakemake.input.table,
        weights=snakemake.input.weights,
        classes=snakemake.input.classes,
        recognition=snakemake.output.recognition,
        per_class=snakemake.output.per_class,
        architecture=snakemake.params.run["architecture"],
        recipe=snakemake.params.run["recipe"],
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
