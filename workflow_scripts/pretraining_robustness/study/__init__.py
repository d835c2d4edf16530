"""The study that a configuration asks for: checked, scaled and put into words."""
