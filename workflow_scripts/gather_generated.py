"""Join the generated shards of a diffusion source into its store."""

from pretraining_robustness.rule import run_rule
from pretraining_robustness.stable_diffusion.gather import gather_generated

if __name__ == "__main__":
    run_rule(
        snakemake,
        lambda: gather_generated(
            shard_images=snakemake.input.images,
            shard_tables=snakemake.input.tables,
            prompts=snakemake.input.prompts,
            images=snakemake.output.images,
            table=snakemake.output.table,
            classes=snakemake.output.classes,
            undecodable=snakemake.output.undecodable,
        ),
    )
