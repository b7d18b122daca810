"""The two portable targets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.portable.encoder import wrap_encoder
from biolord_export.portable.matching import match_weights
from biolord_export.portable.qdq import qdq_operators
from biolord_export.portable.tracing import trace_encoder

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder
    from biolord_export.graph.operators import EncoderOperators
    from biolord_export.source import Checkpoint
    from biolord_export.weights import EncoderWeights


def build_portable_fp32(checkpoint: Checkpoint, weights: EncoderWeights, operators: EncoderOperators) -> GraphBuilder:
    """Trace a checkpoint and fold its pooling in; the operators aren't looked at.

    Raises:
        MissingDependencyError: The ``optimum`` extra isn't installed.
    """
    return wrap_encoder(trace_encoder(checkpoint), weights.dim, checkpoint.pooling, {})


def build_portable_int8(checkpoint: Checkpoint, weights: EncoderWeights, operators: EncoderOperators) -> GraphBuilder:
    """Trace a checkpoint and put the operators of `quantise_static8` in, as QDQ.

    Raises:
        MissingDependencyError: The ``optimum`` extra isn't installed.
        ExportError: The traced graph doesn't hold the checkpoint's weights.
    """
    model = trace_encoder(checkpoint)
    replaced = match_weights(model, qdq_operators(weights, operators))
    return wrap_encoder(model, weights.dim, checkpoint.pooling, replaced)
