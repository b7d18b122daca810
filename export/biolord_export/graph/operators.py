"""What a quantisation scheme hands to the graph: operators that write themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from biolord_export.graph.builder import GraphBuilder

    Move = Callable[[str], str]


def stay(rows: str) -> str:
    """Leave rows where they are."""
    return rows


class LinearOperator(Protocol):
    """A linear layer in some number format."""

    def emit(self, graph: GraphBuilder, x: str) -> str:
        """Add the nodes from float32 [tokens, inputs] to float32 [tokens, outputs], bias included."""
        ...


class AttentionOperator(Protocol):
    """A linear layer beside attention, where tokens go from the packed batch to the padded one, or back."""

    def emit(self, graph: GraphBuilder, x: str, move: Move = stay) -> str:
        """Add the nodes from float32 [rows, inputs] to float32 [..., outputs], bias included.

        ``move`` adds those that put rows in their new places; it is applied to what is multiplied, which takes a
        quarter of the bytes where that is in 8 bits.
        """
        ...

    def outputs(self, chosen: slice) -> Self:
        """Return the layer that yields some of the outputs."""
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
        qkv: Yields query, key and value side by side, or each by itself.
        attention_output: The projection after attention.
        feed_forward: The feed-forward network, its inner channels in one part or in several whose outputs add up.
    """

    qkv: AttentionOperator
    attention_output: AttentionOperator
    feed_forward: tuple[FeedForwardPart, ...]


@dataclass(frozen=True)
class EncoderOperators:
    """Everything of an encoder that has a number format."""

    table: TableOperator
    layers: tuple[LayerOperators, ...]
