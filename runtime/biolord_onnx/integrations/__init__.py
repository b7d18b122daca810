"""Adapters to libraries that take embeddings from elsewhere: one module for each, which imports that library.

None loads an artifact before it is needed, and all of one process share it.
"""
