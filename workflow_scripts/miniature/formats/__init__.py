"""The miniature worlds in the on-disk formats of the real data sets."""
