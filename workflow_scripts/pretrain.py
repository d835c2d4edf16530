"""Pre-train one architecture on one distribution."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.pretrain.pretrain import pretrain  # brings torch, which must see the leased card only

    files = {name: snakemake.input.get(f"validation_{name}") for name in ("images", "table", "classes")}
    pretrain(
        images=snakemake.input.images,
        table=snakemake.input.table,
        index=snakemake.input.index,
        validation=files if files["images"] else None,
        **snakemake.output,
        **snakemake.params.run,
        state=snakemake.params.state,
        code=snakemake.params.code,
        threads=snakemake.threads,
    )


if __name__ == "__main__":
    run_rule(snakemake, main)
