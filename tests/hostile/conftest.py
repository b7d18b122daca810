"""Fixtures of the runtime and the exporter, for this folder."""

from __future__ import annotations

from unit.export.fixtures import exported
from unit.runtime.fixtures import biolord, compiled, compiled_copy, embedder, tiny, tiny_copy

__all__ = ["biolord", "compiled", "compiled_copy", "embedder", "exported", "tiny", "tiny_copy"]
