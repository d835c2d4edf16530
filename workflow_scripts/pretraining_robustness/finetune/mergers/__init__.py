"""Kinds of merging weights, one file each; see `merger`."""
