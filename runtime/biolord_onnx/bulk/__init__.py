"""Embedding of files: read row by row, encode part by part, keep what is done, write the result at the end."""
