"""Pack a study's scores, predictions, manifests, figures, configuration and versions into one archive."""

from pretraining_robustness.report.bundle import write_bundle
from pretraining_robustness.rule import run_rule
from pretraining_robustness.trends.baselines import commit_of

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: write_bundle(
            list(snakemake.input),
            archive=snakemake.output.archive,
            commit=commit_of(snakemake.scriptdir),
            **snakemake.params.bundle,
        ),
    )
