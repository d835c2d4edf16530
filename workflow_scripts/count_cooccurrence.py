"""Count the images of ImageNet's validation set whose ReaL labels name an animal, an object, or both."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.tables.real_labels import count_cooccurrence, real_labels_file

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: count_cooccurrence(
            labels=real_labels_file(),
            animals=snakemake.params.animals,
            counts=snakemake.output.counts,
        ),
    )
