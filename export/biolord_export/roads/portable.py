"""From a checkpoint to a graph of standard operators, around optimum's trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_export.portable.encoder import wrap_encoder
from biolord_export.portable.matching import match_weights
from biolord_export.portable.qdq import qdq_operators
from biolord_export.portable.tracing import check_traceable, trace_encoder
from biolord_export.quantize.static8 import quantize_static8
from biolord_export.roads.road import Written

if TYPE_CHECKING:
    from biolord_export.checkpoint.source import Checkpoint
    from biolord_export.roads.road import Loaded


class PortableFloatRoad:
    """Traces a checkpoint and folds its pooling in."""

    def check(self, checkpoint: Checkpoint, target: str) -> None:
        """Refuse what optimum can't trace."""
        if checkpoint.pairs and checkpoint.pairs.token_types:
            raise ExportError(
                f"{checkpoint.place.id} tells the texts of a pair apart by token types, which a {target} graph doesn't "
                "take: leave --pairs out, or take cpu-int8"
            )
        check_traceable(checkpoint, target)

    def write(self, loaded: Loaded) -> Written:
        """Write the graph."""
        model = trace_encoder(loaded.checkpoint)
        return Written(wrap_encoder(model, loaded.weights.dim, loaded.checkpoint.pooling, {}))


class PortableIntegerRoad(PortableFloatRoad):
    """Traces a checkpoint and puts 8-bit layers in, as QDQ."""

    def check(self, checkpoint: Checkpoint, target: str) -> None:
        """Refuse what optimum can't trace, and inner channels that no grid of `quantize.grid` holds."""
        if checkpoint.config.rotary:
            raise ExportError(
                f"{checkpoint.config.path}: model_type is {checkpoint.config.model_type!r}, whose gated inner channels "
                f"{target} has no grid for: take cpu-int8, or portable-fp32"
            )
        super().check(checkpoint, target)

    def write(self, loaded: Loaded) -> Written:
        """Write the graph."""
        weights = loaded.weights
        quantized = quantize_static8(weights, loaded.statistics)
        model = trace_encoder(loaded.checkpoint)
        replaced = match_weights(model, qdq_operators(weights, quantized))
        graph = wrap_encoder(model, weights.dim, loaded.checkpoint.pooling, replaced)
        return Written(graph, quantized.reports)
