"""The bench's fixtures: the runtime's own, and rows that run here."""

from __future__ import annotations

from unit.bench.run.fixtures import jobs, texts
from unit.runtime.fixtures import biolord, embedder, tiny, tiny_copy

__all__ = ["biolord", "embedder", "jobs", "texts", "tiny", "tiny_copy"]
