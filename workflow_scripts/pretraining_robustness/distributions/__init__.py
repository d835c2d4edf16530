"""Pre-training distributions: which classes, which images, which labels, and what a declaration promises."""
