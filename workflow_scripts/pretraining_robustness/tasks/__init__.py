"""Downstream tasks: pairs of domains made of one store, and the splits of every task."""
