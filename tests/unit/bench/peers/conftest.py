"""The benchmarks' fixtures, for this folder."""

from __future__ import annotations

from unit.bench.peers.fixtures import rows, texts

__all__ = ["rows", "texts"]
