"""Figures: pure functions from tables and a plain specification to matplotlib figures, and the files made of them."""
