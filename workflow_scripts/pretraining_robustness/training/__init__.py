"""What pre-training, fine-tuning and evaluation share: batches, augmentation, the loop, its state, devices."""
