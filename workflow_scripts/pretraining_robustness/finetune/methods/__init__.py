"""Fine-tuning methods: one file per method, named like its kind in the config."""
