"""Draw the object world as ILSVRC2012's archives."""

from pretraining_robustness.miniature.formats.imagenet_archive import draw_imagenet
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_imagenet(
            train_tar=snakemake.output.train,
            devkit=snakemake.output.devkit,
            threads=snakemake.threads,
            **snakemake.params.world,
        ),
    )
