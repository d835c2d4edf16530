"""Fine-tuning: pre-trained weights and a downstream task become checkpoints."""
