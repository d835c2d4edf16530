"""Pre-training distributions: which classes, which images, which labels, and independent checks."""
