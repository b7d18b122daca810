"""Measures this project beside what people would use instead of it: ``make bench`` and ``make bench-peers``."""
