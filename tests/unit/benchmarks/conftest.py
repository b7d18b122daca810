"""The benchmarks' fixtures, for this folder."""

from __future__ import annotations

from unit.benchmarks.fixtures import rows, texts

__all__ = ["rows", "texts"]
