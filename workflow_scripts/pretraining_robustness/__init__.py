"""The science behind the workflow: one module per stage, importable and tested without Snakemake."""
