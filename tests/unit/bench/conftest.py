"""The bench's fixtures: the runtime's own."""

from __future__ import annotations

from unit.runtime.fixtures import biolord, embedder, tiny, tiny_copy

__all__ = ["biolord", "embedder", "tiny", "tiny_copy"]
