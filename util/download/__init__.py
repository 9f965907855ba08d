"""Downloads of the papers' data sets and networks."""
