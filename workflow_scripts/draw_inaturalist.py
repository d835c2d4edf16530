"""Draw the object world as iNaturalist 2017's archives."""

from pretraining_robustness.miniature.formats.inaturalist_archive import draw_inaturalist
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_inaturalist(
            images_tar=snakemake.output.images,
            annotations_zip=snakemake.output.annotations,
            threads=snakemake.threads,
            **snakemake.params.world,
        ),
    )
