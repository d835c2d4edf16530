"""Write the points and the lines of a figure in a form that other studies load."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.baselines import commit_of, write_baseline

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_baseline(
            scores=snakemake.input.get("scores") or None,
            published=list(snakemake.input.get("published") or []),
            trends=snakemake.input.trends,
            points=snakemake.output.points,
            lines=snakemake.output.lines,
            commit=commit_of(snakemake.scriptdir),
            **snakemake.params.baseline,
        ),
    )
