"""Score the predictions of a series, or of several, on every test set."""

from itertools import cycle

from pretraining_robustness.evaluate.score import score
from pretraining_robustness.rule import run_rule


def main() -> None:
    tables = cycle(snakemake.input.tables)  # every method takes all tasks in turn
    files = zip(snakemake.params.series, snakemake.input.predictions, snakemake.output.scores, strict=True)
    for series, predictions, scores in files:
        score(
            predictions=predictions,
            tables=dict(zip(series["stores"], tables, strict=False)),
            scores=scores,
            **{key: value for key, value in series.items() if key != "stores"},
            **snakemake.params.intervals,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
