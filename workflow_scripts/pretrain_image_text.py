"""Pre-train one architecture and a text tower on one distribution's images and captions."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    # Brings torch, which must see the leased card only.
    from pretraining_robustness.pretrain.pretrain_image_text import pretrain_image_text

    pretrain_image_text(
        images=snakemake.input.images,
        table=snakemake.input.table,
        index=snakemake.input.index,
        classes=snakemake.input.classes,
        **snakemake.output,
        **snakemake.params.run,
        state=snakemake.params.state,
        code=snakemake.params.code,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
