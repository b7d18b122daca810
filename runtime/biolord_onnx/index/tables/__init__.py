"""Texts and columns in files that are mapped: only what is asked for is read."""
