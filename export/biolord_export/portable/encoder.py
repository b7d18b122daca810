"""The portable graph: a traced encoder between the artifact's own inputs and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import TensorProto

from biolord_export.errors import ExportError
from biolord_export.graph.pooling import emit_vectors
from biolord_export.portable.replay import replay
from biolord_export.portable.standard import StandardGraph

if TYPE_CHECKING:
    from collections.abc import Mapping

    from onnx import ModelProto

    from biolord_export.checkpoint.head.pooling import Pooling
    from biolord_export.portable.replay import Replacement


def wrap_encoder(model: ModelProto, dim: int, pooling: Pooling, replaced: Mapping[str, Replacement]) -> StandardGraph:
    """Write the artifact's graph around a traced encoder.

    Args:
        model: What `trace_encoder` yields.
        dim: The length of a token vector.
        pooling: What follows the encoder.
        replaced: What takes the place of values inside it.

    Raises:
        ExportError: The traced graph has an input that the artifact's inputs don't determine.
    """
    graph = StandardGraph(model.graph.name)
    known = {name: graph.input(name, TensorProto.INT64, ["batch", "sequence"]) for name in INPUTS}
    known["token_type_ids"] = graph.op("Sub", known["input_ids"], known["input_ids"])
    unknown = [value.name for value in model.graph.input if value.name not in known]
    if unknown:
        raise ExportError(f"optimum's graph asks for {', '.join(unknown)}, expected {', '.join(known)} at most")
    hidden = replay(model, graph, known, replaced)
    emit_vectors(graph, hidden, known["attention_mask"], pooling, dim)
    return graph


INPUTS = ("input_ids", "attention_mask")
