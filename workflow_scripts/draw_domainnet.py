"""Draw the object world in several styles as DomainNet's archive."""

from pretraining_robustness.miniature.formats.domainnet_archive import draw_domainnet
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_domainnet(
            archive=snakemake.output.archive,
            threads=snakemake.threads,
            **snakemake.params.world,
        ),
    )
