"""FractalDB from its mathematics: the search for systems of maps, and the exact supports of their images."""
