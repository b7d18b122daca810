"""A graph builder for graphs of standard operators only."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from biolord_export.graph.builder import GraphBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping

OPSET = 18
"""The version of the standard operators: old enough for every provider, new enough for LayerNormalization."""
IR_VERSION = 8


class StandardGraph(GraphBuilder):
    """Collects nodes of the standard domain; a node of any other fails the check that ``save`` ends with."""

    opsets: ClassVar[Mapping[str, int]] = {"": OPSET}
    ir_version: ClassVar[int] = IR_VERSION
