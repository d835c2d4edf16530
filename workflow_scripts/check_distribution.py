"""Check a distribution's manifest against its declaration and write the promises that it keeps."""

from pretraining_robustness.distributions.promises import write_promises
from pretraining_robustness.rule import run_rule

if __name__ == "__main__":
    own = ("manifest", "classes", "superclasses", "copies")
    run_rule(
        snakemake,
        lambda: write_promises(
            manifest=snakemake.input.manifest,
            classes=snakemake.input.classes,
            superclasses=snakemake.input.get("superclasses"),
            copies=snakemake.input.get("copies") or None,
            others={name: path for name, path in snakemake.input.items() if name not in own},
            declared=snakemake.params.declared,
            promises=snakemake.output.promises,
        ),
    )
