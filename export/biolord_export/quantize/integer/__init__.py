"""Weights of the compiled operators: 8 or 4 bits, with inputs smoothed and rounded per token."""

from __future__ import annotations
