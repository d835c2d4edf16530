"""Scores of checkpoints: their trends and intervals, effective robustness, and tests whether series differ."""
