"""Draw the object world as Tiny-ImageNet, CIFAR or a shifted test set of CIFAR-10."""

from pretraining_robustness.miniature.formats.tiny_images import draw_tiny_images
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_tiny_images(
            files=snakemake.output,
            threads=snakemake.threads,
            **snakemake.params.world,
        ),
    )
