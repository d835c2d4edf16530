"""Decode the images of a WILDS data set, as the wilds package opens it, into one array of images."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.store.build import build_store
from pretraining_robustness.store.readers.wilds import WildsImages

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: build_store(
            raw=WildsImages(snakemake.params.folder or snakemake.input.raw, **snakemake.params.dataset),
            **snakemake.params.store,
            splits=snakemake.params.splits,
            state=snakemake.params.state,
            **snakemake.output,
            threads=snakemake.threads,
        ),
    )
