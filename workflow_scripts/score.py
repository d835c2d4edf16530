"""Score the predictions of a series on every test set."""

from pretraining_robustness.evaluate.score import score
from pretraining_robustness.rule import run_rule


def main() -> None:
    series = dict(snakemake.params.series)
    score(
        predictions=snakemake.input.predictions,
        tables=dict(zip(series.pop("stores"), snakemake.input.tables, strict=True)),
        scores=snakemake.output.scores,
        **series,
        **snakemake.params.intervals,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
