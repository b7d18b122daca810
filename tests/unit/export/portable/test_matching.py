"""Finding layers by their weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from onnx import ModelProto, TensorProto

from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.errors import ExportError
from biolord_export.graph.builder import GraphBuilder
from biolord_export.portable.matching import match_weights, weight_digest
from unit.export.portable.traced import Traced, linear

WEIGHT = np.arange(16, dtype=np.float32).reshape(4, 4)
BIAS = np.ones(4, dtype=np.float32)


@dataclass(frozen=True)
class Named:
    """An operator that is told apart by a name."""

    name: str

    def emit(self, graph: GraphBuilder, x: str, /) -> str:
        """Add a node that does nothing."""
        return graph.op("Identity", x)


def stacked(*layers: Linear) -> ModelProto:
    """Trace linear layers, one after the other."""
    graph = Traced()
    value = graph.node("Cast", "input_ids", to=TensorProto.FLOAT)
    for number, layer in enumerate(layers):
        value = linear(graph, layer, value, f"layer.{number}")
    return graph.model(["input_ids"], value)


def test_a_layer_is_replaced_from_its_input_to_its_bias(bert: EncoderWeights, traced: ModelProto) -> None:
    """The replaced value is the Add's, and what enters is what entered the MatMul."""
    layer = bert.layers[1].fc1
    ((value, replacement),) = match_weights(traced, [(weight_digest(layer.weight), Named("fc1"))]).items()
    add = next(node for node in traced.graph.node if value in node.output)
    product = next(node for node in traced.graph.node if add.input[1] in node.output)
    assert (add.op_type, add.input[0]) == ("Add", "encoder.layer.1.intermediate.bias")
    assert product.op_type == "MatMul"
    assert replacement == (type(replacement))(Named("fc1"), product.input[0])


def test_the_token_table_is_replaced_from_the_ids(bert: EncoderWeights, traced: ModelProto) -> None:
    """A Gather of the table is found by the table; that of positions is left."""
    found = match_weights(traced, [(weight_digest(bert.word_embeddings), Named("tokens"))])
    assert [(value.operator, value.source) for value in found.values()] == [(Named("tokens"), "input_ids")]


def test_layers_of_equal_weights_get_their_operators_in_order() -> None:
    """Models that share weights between layers still have activations, and so grids, of each layer's own."""
    shared = Linear(WEIGHT, BIAS)
    operators = [(weight_digest(WEIGHT), Named(name)) for name in ("first", "second")]
    found = list(match_weights(stacked(shared, shared), operators).values())
    assert [value.operator for value in found] == [Named("first"), Named("second")]
    assert found[1].source != found[0].source


def test_a_weight_used_more_often_than_known_is_refused() -> None:
    """A layer left in float32 because it was overlooked would be silent."""
    shared = Linear(WEIGHT, BIAS)
    with pytest.raises(ExportError, match=r"more often than the encoder does, at '/layer\.1"):
        match_weights(stacked(shared, shared), [(weight_digest(WEIGHT), Named("only"))])


def test_a_weight_that_is_not_there_is_refused_with_the_count() -> None:
    """A traced graph whose weights were folded into something else can't be matched."""
    operators = [(weight_digest(weight), Named("")) for weight in (WEIGHT, WEIGHT.T, WEIGHT + 1)]
    with pytest.raises(ExportError, match="lacks 2 of the checkpoint's weights"):
        match_weights(stacked(Linear(WEIGHT, BIAS)), operators)


@pytest.mark.parametrize(("after", "said"), [("Relu", "Relu"), ("", "nothing")])
def test_a_product_without_a_bias_behind_it_is_refused(after: str, said: str) -> None:
    """The operators add a bias, so there must have been one."""
    graph = Traced()
    ids = graph.node("Cast", "input_ids", to=TensorProto.FLOAT)
    product = graph.node("MatMul", ids, graph.weight(WEIGHT, "weight"), name="bare")
    value = graph.node(after, product) if after else ids
    with pytest.raises(ExportError, match=f"gives the product /bare_1_output_0 to {said}"):
        match_weights(graph.model(["input_ids"], value), [(weight_digest(WEIGHT), Named(""))])


def test_a_digest_tells_shapes_apart_and_not_layouts() -> None:
    """Only what a matrix means counts, not how it lies in memory."""
    assert weight_digest(WEIGHT.reshape(2, 8)) != weight_digest(WEIGHT)
    assert weight_digest(np.asfortranarray(WEIGHT)) == weight_digest(WEIGHT)
