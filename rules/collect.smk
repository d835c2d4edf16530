"""Targets for parts of a study: what its figures and tables need of each stage."""


rule stores:
    """Decode the images that networks are trained and tested on."""
    input:
        study_stores,
    localrule: True


rule distributions:
    """Choose the images of every pre-training distribution."""
    input:
        study_distributions,
    localrule: True


rule networks:
    """Pre-train every network, or take its published weights."""
    input:
        study_networks,
    localrule: True


rule checkpoints:
    """Fine-tune every network and merge weights."""
    input:
        study_checkpoints,
    localrule: True


rule predictions:
    """Predict every test set with every checkpoint."""
    input:
        study_series("predictions.parquet"),
    localrule: True


rule scores:
    """Score all predictions."""
    input:
        study_series("scores.csv"),
    localrule: True
