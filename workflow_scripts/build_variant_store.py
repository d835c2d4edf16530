"""Decode the images of a variant of ImageNet once into one array of pictures."""

from pretraining_robustness.rule import run_rule


def main() -> None:
    import pandas as pd

    from pretraining_robustness.store.build import build_store
    from pretraining_robustness.store.readers.imagenet_variant import ImageNetVariant

    table = pd.read_csv(snakemake.input.classes, dtype=str, keep_default_na=False)
    key = "wnid" if "wnid" in table else "class_id"
    build_store(
        raw=ImageNetVariant(
            raw=snakemake.input.raw,
            names=dict(zip(table[key], table["name"], strict=True)),
            table=snakemake.input.get("table") or None,
            **snakemake.params.variant,
        ),
        **snakemake.params.store,
        state=snakemake.params.state,
        **snakemake.output,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
