"""Building an index: read the names, embed those that are new, pack the vectors, and let the index appear."""
