"""Score the predictions of a series, or of several, on every test set."""

from pretraining_robustness.evaluate.score import score
from pretraining_robustness.rule import run_rule


def main() -> None:
    files = zip(snakemake.params.series, snakemake.input.predictions, snakemake.output.scores, strict=True)
    for series, predictions, scores in files:
        score(
            predictions=predictions,
            tables=dict(zip(series["stores"], snakemake.input.tables, strict=True)),
            scores=scores,
            **{key: value for key, value in series.items() if key != "stores"},
            **snakemake.params.intervals,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
