"""From a checkpoint to an authored graph of floating-point numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.graph.builder import FLOAT32, FloatFormat
from biolord_export.graph.encoder import emit_encoder
from biolord_export.graph.packing import PACKED, Layout
from biolord_export.roads.road import Written

if TYPE_CHECKING:
    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.roads.road import Loaded


@dataclass(frozen=True, slots=True)
class FloatRoad:
    """Writes every weight as it is, in a floating-point format."""

    floats: FloatFormat = FLOAT32
    layout: Layout = PACKED

    def check(self, checkpoint: Checkpoint, target: str) -> None:
        """Refuse nothing: stock operators take any size."""

    def write(self, loaded: Loaded) -> Written:
        """Write the graph."""
        return Written(emit_encoder(loaded.weights, loaded.checkpoint.pooling, self.floats, self.layout).builder)


FLOAT32_ROAD = FloatRoad()
"""Writes the reference of all others."""
