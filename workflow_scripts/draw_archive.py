"""Draw a miniature of a data set in the archives that the real one comes in."""

from importlib import import_module

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)  # before a module that filters brings torch
    module = import_module(f"miniature.formats.{snakemake.params.module}")
    module.draw(files=snakemake.output, **snakemake.input, **snakemake.params.world, threads=snakemake.threads)


if __name__ == "__main__":
    run_rule(snakemake, main)
