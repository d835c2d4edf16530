"""Pre-training, fine-tuning and evaluation of networks; the only part that imports torch."""
