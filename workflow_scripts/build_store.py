"""Decode a raw image collection once into one array of images."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.store.build import build_store

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: build_store(
            raw=snakemake.params.folder or snakemake.input.raw,
            **snakemake.params.store,
            splits=snakemake.params.splits,
            options=snakemake.params.options,
            state=snakemake.params.state,
            **snakemake.output,
            threads=snakemake.threads,
        ),
    )
