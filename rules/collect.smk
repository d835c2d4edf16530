"""Targets for parts of a study: what its figures and tables need of each stage."""


rule stores:
    """Decode the images that networks are trained and tested on."""
    input:
        lambda wildcards: places.all_stores(study),
    localrule: True


rule distributions:
    """Choose the images of every pre-training distribution."""
    input:
        lambda wildcards: places.all_distributions(study),
    localrule: True


rule networks:
    """Pre-train every network, or take its published weights."""
    input:
        lambda wildcards: places.all_networks(study),
    localrule: True


rule checkpoints:
    """Fine-tune every network and merge weights."""
    input:
        lambda wildcards: places.all_checkpoints(study),
    localrule: True


rule predictions:
    """Predict every test set with every checkpoint."""
    input:
        lambda wildcards: places.all_series(study, "predictions.parquet"),
    localrule: True


rule scores:
    """Score all predictions."""
    input:
        lambda wildcards: places.all_series(study, "scores.csv"),
    localrule: True
