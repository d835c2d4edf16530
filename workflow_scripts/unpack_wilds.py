"""Unpack the archive of a WILDS data set into the folder that the wilds package opens."""

from pathlib import Path

from pretraining_robustness.acquire.archives import unpack
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: unpack(
            archive=snakemake.input.archive,
            target=Path(snakemake.output.release).parent,
            expected=[Path(snakemake.output.release).name],
        ),
    )
