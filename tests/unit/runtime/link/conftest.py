"""The runtime's fixtures, for this folder."""

from __future__ import annotations

from unit.runtime.fixtures import biolord, compiled, compiled_copy, embedder, tiny, tiny_copy

__all__ = ["biolord", "compiled", "compiled_copy", "embedder", "tiny", "tiny_copy"]
