"""Plan the whole study and list its rules and how often each runs."""

from pathlib import Path

from pretraining_robustness.plan.jobs import plan_pipeline
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: plan_pipeline(
            snakefile=Path(snakemake.scriptdir).parent / "Snakefile",
            config=snakemake.params.config,
            jobs=snakemake.output.jobs,
        ),
    )
