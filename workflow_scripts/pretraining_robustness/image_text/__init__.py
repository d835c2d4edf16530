"""Networks that learn from images and their captions: pre-training, published models and zero-shot heads."""
