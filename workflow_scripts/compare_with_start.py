"""Compare the predictions after fine-tuning on every variant of ImageNet with those before."""

from pretraining_robustness.imagenet_rib.comparison import compare_with_start
from pretraining_robustness.parts import make_parts
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    run_rule(snakemake, lambda: make_parts(snakemake.params.parts, compare_with_start, snakemake.params.code))
