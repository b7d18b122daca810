"""Pooling of padded token vectors, float32 [batch, sequence, dim], of the tokens that a mask keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from biolord_export.graph.builder import GraphBuilder

LOWEST = float(np.finfo(np.float32).min)


@dataclass(frozen=True, slots=True)
class Padded:
    """Names of the values that a text's vector is made of.

    Attributes:
        hidden: float32 [batch, sequence, dim].
        mask: float32 [batch, 1, sequence], 1 for the tokens to pool, a row of them for each text.
        first: int64, the place of the first of them; every text's.
        places: float32 [sequence], the places of all tokens, from 1.
    """

    hidden: str
    mask: str
    first: str
    places: str


def emit_padded(graph: GraphBuilder, hidden: str, attention_mask: str, skipped: str = "") -> Padded:
    """Prepare to pool the tokens that a mask keeps.

    Args:
        graph: Where to.
        hidden: float32 [batch, sequence, dim].
        attention_mask: int64 [batch, sequence], ones and then zeros.
        skipped: int64 [1], the leading tokens of each text that aren't pooled; empty for none.
    """
    one = graph.scalar(1, np.int64)
    length = graph.op("Squeeze", graph.op("Shape", attention_mask, start=1, end=2), graph.ints(0))
    places = graph.op("Range", one, graph.op("Add", length, one), one)
    kept = graph.op("Cast", attention_mask, to=TensorProto.FLOAT)
    if skipped:
        behind = graph.op("Cast", graph.op("Less", skipped, places), to=TensorProto.FLOAT)
        kept = graph.op("Mul", kept, behind)
    first = graph.op("Squeeze", skipped, graph.ints(0)) if skipped else graph.scalar(0, np.int64)
    mask = graph.op("Unsqueeze", kept, graph.ints(1))
    return Padded(hidden, mask, first, graph.op("Cast", places, to=TensorProto.FLOAT))


def _weigh(graph: GraphBuilder, padded: Padded, weights: str) -> str:
    """Add token vectors up by float32 [batch, 1, sequence]: float32 [batch, dim]."""
    return graph.op("Squeeze", graph.op("MatMul", weights, padded.hidden), graph.ints(1))


def _total(graph: GraphBuilder, weights: str) -> str:
    return graph.op("Squeeze", graph.op("ReduceSum", weights, graph.ints(2)), graph.ints(2))


def _mean(graph: GraphBuilder, padded: Padded) -> str:
    """Average (Reimers and Gurevych 2019)."""
    return graph.op("Div", _weigh(graph, padded, padded.mask), _total(graph, padded.mask))


def _mean_sqrt_len(graph: GraphBuilder, padded: Padded) -> str:
    return graph.op("Div", _weigh(graph, padded, padded.mask), graph.op("Sqrt", _total(graph, padded.mask)))


def _weighted_mean(graph: GraphBuilder, padded: Padded) -> str:
    """Average by place in the text (Muennighoff 2022): later tokens count more."""
    weights = graph.op("Mul", padded.mask, padded.places)
    return graph.op("Div", _weigh(graph, padded, weights), _total(graph, weights))


def _cls(graph: GraphBuilder, padded: Padded) -> str:
    return graph.op("Gather", padded.hidden, padded.first, axis=1)


def _max(graph: GraphBuilder, padded: Padded) -> str:
    kept = graph.op("Less", graph.scalar(0), graph.op("Transpose", padded.mask, perm=(0, 2, 1)))
    masked = graph.op("Where", kept, padded.hidden, graph.scalar(LOWEST))
    return graph.op("ReduceMax", masked, graph.ints(1), keepdims=0)


def _last(graph: GraphBuilder, padded: Padded) -> str:
    counted = graph.op("Mul", padded.mask, padded.places)
    place = graph.op("ReduceMax", counted, graph.ints(2), keepdims=1)
    only = graph.op("Cast", graph.op("Equal", padded.places, place), to=TensorProto.FLOAT)
    return _weigh(graph, padded, only)


POOLINGS: Mapping[str, Callable[[GraphBuilder, Padded], str]] = {
    "mean": _mean,
    "cls": _cls,
    "max": _max,
    "weightedmean": _weighted_mean,
    "lasttoken": _last,
    "mean_sqrt_len_tokens": _mean_sqrt_len,
}
"""Every pooling an artifact can have."""
