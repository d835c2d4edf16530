"""Score tables, linear trends with bootstrap intervals, and what captions say of them."""
