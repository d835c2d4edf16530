"""One page with every result of a study, to be explored in a browser without a network."""
