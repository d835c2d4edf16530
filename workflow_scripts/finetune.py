"""Fine-tune one network on a downstream task or several, by one method or several, with a checkpoint every epoch."""

from itertools import cycle, zip_longest

from pretraining_robustness.rule import run_rule
from pretraining_robustness.training.lease import cards_asked, lease_card


def main() -> None:
    lease_card(cards_asked(snakemake.resources), snakemake.threads)
    from pretraining_robustness.finetune.finetune import finetune  # brings torch, which must see the leased card only

    runs, metrics = snakemake.params.runs, snakemake.output.metrics
    each = len(snakemake.output.checkpoints) // len(runs)
    weights, heads = (snakemake.input.get(name, [None]) for name in ("weights", "head"))
    files = cycle(zip_longest(snakemake.input.images, snakemake.input.table, weights, heads))
    for number, (run, (images, table, pretrained, head)) in enumerate(zip(runs, files, strict=False)):
        finetune(
            images=images,
            table=table,
            pretrained=pretrained,
            head=head,
            checkpoints=snakemake.output.checkpoints[number * each : (number + 1) * each],
            metrics=metrics[number],
            distribution=run["distribution"],
            method=run["method"],
            keep_head=run["keep_head"],
            architecture=run["architecture"],
            recipe=run["recipe"],
            seed=run["seed"],
            state=snakemake.params.state[number],
            code=snakemake.params.code,
            threads=snakemake.threads,
        )


if __name__ == "__main__":
    run_rule(snakemake, main)
