"""Score the predictions of a series, or of several, on every test set."""

from itertools import cycle

from pretraining_robustness.evaluate.score import score
from pretraining_robustness.rule import run_rule


def main() -> None:
    tables = cycle(snakemake.input.tables)  # every method takes all tasks in turn
    written = zip(snakemake.output.scores, snakemake.output.left_out, strict=True)
    files = zip(snakemake.params.series, snakemake.input.predictions, written, strict=True)
    for series, predictions, (scores, left_out) in files:
        score(
            predictions=predictions,
            tables=dict(zip(series["stores"], tables, strict=False)),
            scores=scores,
            left_out=left_out,
            **{key: value for key, value in series.items() if key != "stores"},
            **snakemake.params.intervals,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
