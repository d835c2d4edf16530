"""Pre-training: a distribution and an architecture become weights, by labels, by captions or without either."""
