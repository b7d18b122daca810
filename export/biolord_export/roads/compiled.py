"""From a checkpoint to a graph of compiled operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.kernels.graph import emit_integer_encoder
from biolord_export.kernels.limits import check_sizes
from biolord_export.roads.road import Written

if TYPE_CHECKING:
    from collections.abc import Callable

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.checkpoint.weights import EncoderWeights
    from biolord_export.quantize.report import Quantized
    from biolord_export.roads.road import Loaded, Statistics

    Quantizer = Callable[[EncoderWeights, Statistics], Quantized]


@dataclass(frozen=True, slots=True)
class KernelRoad:
    """Rounds an encoder to whole numbers and packs them for the operators."""

    quantize: Quantizer

    def check(self, checkpoint: Checkpoint, target: str) -> None:
        """Refuse what the operators don't compute."""
        check_sizes(checkpoint, target)

    def write(self, loaded: Loaded) -> Written:
        """Write the graph."""
        quantized, checkpoint = self.quantize(loaded.weights, loaded.statistics), loaded.checkpoint
        longest = checkpoint.max_length.value
        graph = emit_integer_encoder(loaded.weights, quantized.encoder, checkpoint.pooling, longest)
        return Written(graph, quantized.reports)
