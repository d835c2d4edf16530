"""Unpack an archive of the WILDS benchmark into the folder that the wilds package opens."""

from pathlib import Path

from pretraining_robustness.acquire.archives import unpack
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: unpack(
            archive=snakemake.input.archive,
            target=Path(snakemake.output[0]).parent,
            expected=[Path(path).name for path in snakemake.output],
        ),
    )
