"""Fixtures of the runtime and the exporter, for this folder."""

from __future__ import annotations

from unit.export.fixtures import exported
from unit.runtime.fixtures import biolord, embedder, tiny, tiny_copy

__all__ = ["biolord", "embedder", "exported", "tiny", "tiny_copy"]
