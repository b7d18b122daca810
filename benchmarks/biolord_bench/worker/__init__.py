"""The process that is measured: one tool in its own environment, which answers requests."""
