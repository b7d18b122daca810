"""What a quantisation scheme hands to the graph: operators that write themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from biolord_export.graph.builder import GraphBuilder


class LinearOperator(Protocol):
    """A linear layer in some number format."""

    def emit(self, graph: GraphBuilder, x: str) -> str:
        """Add the nodes from float32 [tokens, inputs] to float32 [tokens, outputs], bias included."""
        ...


class TableOperator(Protocol):
    """A table of token vectors in some number format."""

    def emit(self, graph: GraphBuilder, ids: str) -> str:
        """Add the nodes from int64 [tokens] to float32 [tokens, dim]."""
        ...


@dataclass(frozen=True)
class FeedForwardPart:
    """Some of a layer's inner channels: ``second(gelu(first(x)))`` is their share of the layer's output."""

    first: LinearOperator
    second: LinearOperator


@dataclass(frozen=True)
class LayerOperators:
    """What a transformer layer multiplies with.

    Attributes:
        qkv: Yields query, key and value side by side.
        attention_output: The projection after attention.
        feed_forward: The feed-forward network, its inner channels in one part or in several whose outputs add up.
    """

    qkv: LinearOperator
    attention_output: LinearOperator
    feed_forward: tuple[FeedForwardPart, ...]


@dataclass(frozen=True)
class EncoderOperators:
    """Everything of an encoder that has a number format."""

    table: TableOperator
    layers: tuple[LayerOperators, ...]
