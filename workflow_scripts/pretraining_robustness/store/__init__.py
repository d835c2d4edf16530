"""Images decoded once: the readers of raw formats, the array they become, and reading it for training."""
