"""Pre-training, fine-tuning and evaluation of networks."""
