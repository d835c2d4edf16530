"""Draw the camera-trap world as iWildCam-WILDS v2.0's archive."""

from pretraining_robustness.miniature.formats.iwildcam_archive import draw_iwildcam
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: draw_iwildcam(
            archive=snakemake.output.archive,
            threads=snakemake.threads,
            **snakemake.params.world,
        ),
    )
