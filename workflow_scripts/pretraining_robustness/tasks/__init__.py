"""Downstream tasks: their splits and test sets, and pairs of domains of one store."""
