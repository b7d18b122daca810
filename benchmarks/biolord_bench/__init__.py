"""Measures artifacts, and what people would use instead of them: ``biolord bench``."""
