"""Draw a variant of ImageNet in the archives that the real one comes in."""

from pretraining_robustness.miniature.formats.imagenet_variants import draw_variant
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_variant(
            files=snakemake.output, table=snakemake.input.get("table") or None, **snakemake.params.world
        ),
    )
