"""Graphs in the shape of optimum's: its nodes, names and habits, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from biolord_export.checkpoint.weights import EncoderWeights, Layer, LayerNorm, Linear
from biolord_export.portable.standard import IR_VERSION, OPSET

FREE = ["batch_size", "sequence_length"]


@dataclass
class Traced:
    """A graph that grows node by node."""

    nodes: list[NodeProto] = field(default_factory=list)
    tensors: list[TensorProto] = field(default_factory=list)

    def node(self, kind: str, *inputs: str, name: str = "", **attributes: object) -> str:
        """Add a node; returns its output."""
        place = f"/{name or kind}_{len(self.nodes)}"
        node = helper.make_node(kind, inputs, [f"{place}_output_0"], name=place)
        node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
        self.nodes.append(node)
        return f"{place}_output_0"

    def weight(self, value: NDArray[np.generic], name: str) -> str:
        """Add an initializer."""
        self.tensors.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def fixed(self, value: float | Sequence[int], kind: type[np.generic] = np.int64) -> str:
        """Add a Constant node."""
        return self.node("Constant", value=numpy_helper.from_array(np.array(value, dtype=kind)))

    def model(self, inputs: Sequence[str], output: str, *more: str, rank: int = 2) -> ModelProto:
        """Close the graph; its outputs have so many dimensions."""
        graph = helper.make_graph(
            [*self.nodes, helper.make_node("Identity", [output], ["last_hidden_state"])],
            "main_graph",
            [helper.make_tensor_value_info(name, TensorProto.INT64, FREE) for name in inputs],
            [
                helper.make_tensor_value_info(name, TensorProto.FLOAT, [f"{name}_{axis}" for axis in range(rank)])
                for name in ("last_hidden_state", *more)
            ],
            self.tensors,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)
        onnx.checker.check_model(model)
        return model


def traced_bert(weights: EncoderWeights) -> ModelProto:
    """Write a BERT as optimum does; the token types' table is zero, for the reader has put it into the positions."""
    graph = Traced()
    hidden = _embeddings(graph, weights)
    mask = graph.node("Unsqueeze", "attention_mask", graph.fixed([1, 2]))
    away = graph.node("Sub", graph.fixed(1.0, np.float32), graph.node("Cast", mask, to=TensorProto.FLOAT))
    bias = graph.node("Mul", away, graph.fixed(float(np.finfo(np.float32).min), np.float32))
    for number, layer in enumerate(weights.layers):
        hidden = _layer(graph, layer, weights, hidden, bias, f"encoder.layer.{number}")
    graph.node("Tanh", hidden)  # what nobody asks for
    return graph.model(["input_ids", "attention_mask", "token_type_ids"], hidden, rank=3)


def _embeddings(graph: Traced, weights: EncoderWeights) -> str:
    dim = weights.dim
    words = graph.node(
        "Gather", graph.weight(weights.word_embeddings, "embeddings.word_embeddings.weight"), "input_ids"
    )
    table = graph.weight(np.zeros((2, dim), np.float32), "embeddings.token_type_embeddings.weight")
    both = graph.node("Add", words, graph.node("Gather", table, "token_type_ids"))
    length = graph.node("Gather", graph.node("Shape", "input_ids"), graph.fixed(1), axis=0)
    positions = graph.weight(np.arange(weights.max_positions)[np.newaxis], "embeddings.position_ids")
    ends = graph.node("Unsqueeze", length, graph.fixed([0]))
    index = graph.node("Slice", positions, graph.fixed([0]), ends, graph.fixed([1]), graph.fixed([1]))
    places = graph.node("Gather", graph.weight(weights.position_embeddings, "embeddings.positions"), index)
    return _norm(graph, weights.embedding_norm, graph.node("Add", both, places), "embeddings.LayerNorm")


def _layer(graph: Traced, layer: Layer, weights: EncoderWeights, hidden: str, bias: str, name: str) -> str:
    dim, heads = weights.dim, weights.heads
    query, key, value = (
        _heads(graph, linear(graph, part, hidden, f"{name}.{index}"), heads, dim, [0, 2, 3, 1] if index == 1 else None)
        for index, part in enumerate(_split(layer.qkv, dim))
    )
    scores = graph.node("Div", graph.node("MatMul", query, key), graph.fixed((dim // heads) ** 0.5, np.float32))
    share = graph.node("Softmax", graph.node("Add", scores, bias), axis=-1)
    mixed = graph.node("Transpose", graph.node("MatMul", share, value), perm=[0, 2, 1, 3])
    flat = graph.node("Reshape", mixed, graph.fixed([0, 0, dim]), allowzero=0)
    attended = graph.node("Add", linear(graph, layer.attention_output, flat, f"{name}.output"), hidden)
    middle = _norm(graph, layer.attention_norm, attended, f"{name}.attention.LayerNorm")
    inner = _gelu(graph, linear(graph, layer.fc1, middle, f"{name}.intermediate"))
    outer = graph.node("Add", linear(graph, layer.fc2, inner, f"{name}.dense"), middle)
    return _norm(graph, layer.output_norm, outer, f"{name}.LayerNorm")


def _split(qkv: Linear, dim: int) -> list[Linear]:
    return [
        Linear(qkv.weight[:, start : start + dim], qkv.bias[start : start + dim]) for start in range(0, 3 * dim, dim)
    ]


def linear(graph: Traced, layer: Linear, x: str, name: str) -> str:
    """Add a torch Linear: the weight transposed and renamed, the bias first."""
    product = graph.node("MatMul", x, graph.weight(layer.weight, f"onnx::MatMul_{len(graph.nodes)}"), name=name)
    return graph.node("Add", graph.weight(layer.bias, f"{name}.bias"), product, name=name)


def _heads(graph: Traced, x: str, heads: int, dim: int, perm: list[int] | None) -> str:
    split = graph.node("Reshape", x, graph.fixed([0, 0, heads, dim // heads]), allowzero=0)
    return graph.node("Transpose", split, perm=perm or [0, 2, 1, 3])


def _gelu(graph: Traced, x: str) -> str:
    error = graph.node("Erf", graph.node("Div", x, graph.fixed(2**0.5, np.float32)))
    share = graph.node("Mul", x, graph.node("Add", error, graph.fixed(1.0, np.float32)))
    return graph.node("Mul", share, graph.fixed(0.5, np.float32))


def _norm(graph: Traced, norm: LayerNorm, x: str, name: str) -> str:
    scale, shift = graph.weight(norm.weight, f"{name}.weight"), graph.weight(norm.bias, f"{name}.bias")
    return graph.node("LayerNormalization", x, scale, shift, axis=-1, epsilon=norm.epsilon)
