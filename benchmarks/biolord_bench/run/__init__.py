"""A run: what is measured, in which order, and what becomes of it."""
