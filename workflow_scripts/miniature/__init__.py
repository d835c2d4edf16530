"""Procedural worlds that stand in for the real collections: drawn in seconds, written in the real files' formats."""
