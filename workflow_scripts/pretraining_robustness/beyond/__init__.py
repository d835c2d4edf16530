"""Beyond the papers: what the stored answer of every checkpoint to every test image says besides scores."""
