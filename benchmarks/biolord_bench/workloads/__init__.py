"""The texts that are measured with, generated the same everywhere."""
