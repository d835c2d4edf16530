"""How networks are fine-tuned: one file per method, named as its kind in the config."""
