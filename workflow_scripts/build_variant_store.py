"""Decode the images of a variant of ImageNet once into one array of images."""

from pretraining_robustness.rule import run_rule


def main() -> None:
    from pretraining_robustness.store.build import build_store
    from pretraining_robustness.store.readers.imagenet_variant import read_variant

    build_store(
        raw=read_variant(
            raw=snakemake.input.raw,
            imagenet=snakemake.input.classes,
            table=snakemake.input.get("table") or None,
            variant=snakemake.params.variant,
        ),
        **snakemake.params.store,
        state=snakemake.params.state,
        **snakemake.output,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
