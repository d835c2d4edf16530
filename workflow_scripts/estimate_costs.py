"""Estimate what the study costs, and say it."""

from pretraining_robustness.plan.estimate_costs import estimate_costs
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: print(
            estimate_costs(
                config=snakemake.params.config,
                rates=snakemake.input.rates,
                jobs=snakemake.input.jobs,
                **snakemake.params.plan,
                costs=snakemake.output.costs,
            )
        ),
    )
