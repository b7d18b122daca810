"""A graph builder for graphs of standard operators only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onnx import helper

from biolord_export.graph.builder import GraphBuilder

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

OPSET = 18
"""The version of the standard operators: old enough for every provider, new enough for LayerNormalization."""
IR_VERSION = 8


class StandardGraph(GraphBuilder):
    """Collects nodes of the standard domain; a node of any other fails the check that ``save`` ends with."""

    def _model(self, data: Path) -> ModelProto:
        model = super()._model(data)
        del model.opset_import[:]
        model.opset_import.append(helper.make_opsetid("", OPSET))
        model.ir_version = IR_VERSION
        return model
