"""Evaluation: checkpoints become predictions, and predictions become scores."""
