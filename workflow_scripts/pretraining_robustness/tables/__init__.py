"""Tables: what is counted and compared, written as CSV, as an HTML page and as LaTeX source."""
