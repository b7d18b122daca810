"""Made-up encoders in the packed form of kernels/README.md, and graphs of the operators made from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

Floats = NDArray[np.float32]
Bytes = NDArray[np.int8]
EPSILON = 1e-5


@dataclass(frozen=True, slots=True)
class Sizes:
    """Sizes of an encoder."""

    dim: int = 64
    heads: int = 4
    inner: int = 128
    groups: int = 2
    layers: int = 2
    bits: int = 8
    value_bits: int = 8
    group: int = 32
    """Inputs that share a scale of 4-bit weights."""
    positions: int = 512
    vocabulary: int = 101

    @property
    def widths(self) -> tuple[int, ...]:
        """Widths of the groups of inner channels: the same for all, the rest for the last."""
        each = self.inner // self.groups // 64 * 64
        return (*[each] * (self.groups - 1), self.inner - each * (self.groups - 1))


def pack8(weights: Bytes) -> Bytes:
    """Pack ``[inputs, outputs]`` for 8 bits."""
    inputs, outputs = weights.shape
    return np.ascontiguousarray(weights.reshape(inputs // 4, 4, outputs // 16, 16).transpose(2, 0, 3, 1))


def pack4(values: Bytes) -> Bytes:
    """Pack values of -8 … 7, ``[inputs, outputs]``, two to a byte."""
    inputs, outputs = values.shape
    halves = (values + 8).astype(np.uint8).reshape(inputs // 8, 2, 4, outputs // 16, 16).transpose(3, 0, 4, 2, 1)
    return np.ascontiguousarray(halves[..., 0] | halves[..., 1] << 4).view(np.int8)


@dataclass(frozen=True, slots=True)
class Linear:
    """A layer: its weights as whole numbers ``[inputs, outputs]``, and the tensors that the graph holds."""

    weights: Bytes
    columns: Floats
    packed: Bytes
    group_scales: Bytes | None

    def widened(self) -> Linear:
        """Return the same layer with 8-bit weights."""
        return replace(self, packed=pack8(self.weights), group_scales=None)

    @classmethod
    def random(cls, random: np.random.Generator, inputs: int, outputs: int, group: int | None) -> Linear:
        """Make one of 8 bits, or of 4 bits where inputs share scales in groups."""
        scale = random.uniform(0.6, 1.4, outputs) / (74 * inputs**0.5)
        bias = random.normal(0, 0.1, outputs)
        scales: Bytes | None = None
        if group is None:
            weights = random.integers(-127, 128, (inputs, outputs), dtype=np.int8)
            packed = pack8(weights)
        else:
            values = random.integers(-8, 8, (inputs, outputs), dtype=np.int8)
            each = random.integers(1, 16, (inputs // group, outputs), dtype=np.int8)
            weights = (values * np.repeat(each, group, axis=0)).astype(np.int8)
            packed = pack4(values)
            scales = np.ascontiguousarray(each.reshape(-1, outputs // 16, 16).transpose(1, 0, 2))
        colsum = weights.astype(np.int64).sum(axis=0)
        return cls(weights, np.stack([colsum, scale, bias]).astype(np.float32), packed, scales)


@dataclass(frozen=True, slots=True)
class Layer:
    """The linear layers of one layer; ``second`` has one for each group of inner channels."""

    qkv: Linear
    out: Linear
    first: Linear
    second: tuple[Linear, ...]

    def second_columns(self) -> Floats:
        """Return the columns of all groups and the bias, which is the first group's."""
        rows = [row for group in self.second for row in group.columns[:2]]
        return np.stack([*rows, self.second[0].columns[2]])


@dataclass(frozen=True, slots=True)
class Encoder:
    """Everything between token ids and vectors."""

    sizes: Sizes
    table: Bytes
    token_scales: Floats
    positions: Floats
    norm: Floats
    smoothing: Floats
    position_bias: Floats | None
    layers: tuple[Layer, ...]

    def widened(self) -> Encoder:
        """Return the same encoder with its 4-bit weights as 8-bit ones."""
        layers = [
            Layer(
                layer.qkv.widened(),
                layer.out.widened(),
                layer.first.widened(),
                tuple(map(Linear.widened, layer.second)),
            )
            for layer in self.layers
        ]
        return replace(self, layers=tuple(layers))

    @classmethod
    def random(cls, sizes: Sizes, seed: int = 1, *, relative: bool = True) -> Encoder:
        """Make one from a seed; `relative` as in MPNet, else as in BERT."""
        random = np.random.default_rng(seed)
        dim, group = sizes.dim, sizes.group if sizes.bits == 4 else None
        layers = [
            Layer(
                Linear.random(random, dim, 3 * dim, group),
                Linear.random(random, dim, dim, group),
                Linear.random(random, dim, sizes.inner, group),
                tuple(Linear.random(random, width, dim, group) for width in sizes.widths),
            )
            for _ in range(sizes.layers)
        ]
        affine = np.stack([random.normal(1, 0.1, dim), random.normal(0, 0.1, dim)]).astype(np.float32)
        bias = random.normal(0, 1, (sizes.heads, 2 * sizes.positions - 1)).astype(np.float32) if relative else None
        return cls(
            sizes,
            random.integers(-127, 128, (sizes.vocabulary, dim), dtype=np.int8),
            random.uniform(0.005, 0.02, (sizes.vocabulary, dim // 64)).astype(np.float32),
            random.normal(0, 0.4, (sizes.positions, dim)).astype(np.float32),
            affine,
            np.stack([random.uniform(0.5, 2, dim), random.normal(0, 0.2, dim)]).astype(np.float32),
            bias,
            tuple(layers),
        )


class Graph:
    """A graph in the making: constants by name, nodes in order."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []

    def constant(self, values: NDArray[Any] | None) -> str:
        """Add a constant and return its name; None is an optional input that is left out."""
        if values is None:
            return ""
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, op: str, inputs: Sequence[str], outputs: Sequence[str], **attributes: float) -> None:
        """Add a node of our domain."""
        node = helper.make_node(op, inputs, outputs, domain="biolord")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self.nodes.append(node)

    def embed(self, encoder: Encoder) -> None:
        """Token ids to hidden rows and starts."""
        tensors: tuple[NDArray[Any], ...] = (encoder.table, encoder.token_scales, encoder.positions, encoder.norm)
        inputs = ["input_ids", "attention_mask", *map(self.constant, tensors)]
        self.node("Embed", inputs, ["hidden", "starts"], epsilon=EPSILON)

    def attention(self, encoder: Encoder, layer: Layer, to: str) -> None:
        """The first half of a layer."""
        tensors = (
            *(encoder.smoothing, layer.qkv.packed, layer.qkv.columns, layer.out.packed, layer.out.columns),
            *(encoder.norm, encoder.position_bias, layer.qkv.group_scales, layer.out.group_scales),
        )
        inputs = [self.last(), "starts", *map(self.constant, tensors)]
        sizes = encoder.sizes
        bits = {} if sizes.value_bits == 8 else {"value_activation_bits": sizes.value_bits}
        self.node("Attention", inputs, [to], heads=sizes.heads, epsilon=EPSILON, **bits)

    def feed_forward(self, encoder: Encoder, layer: Layer, to: str) -> None:
        """The second half of a layer."""
        scales = [group.group_scales for group in layer.second]
        tensors = (
            *(encoder.smoothing, layer.first.packed, layer.first.columns),
            *(np.concatenate([group.packed.reshape(-1, 16, 4) for group in layer.second]), layer.second_columns()),
            *(encoder.norm, np.array(encoder.sizes.widths, dtype=np.int32), layer.first.group_scales),
            None if scales[0] is None else np.concatenate([s.reshape(-1, 16) for s in scales if s is not None]),
        )
        inputs = [self.last(), *map(self.constant, tensors)]
        self.node("FeedForward", inputs, [to], epsilon=EPSILON)

    def pool(self, mode: int = 0) -> None:
        """Hidden rows to vectors."""
        outputs = ["sentence_embedding", "unit_embedding"]
        self.node("Pool", [self.last(), "starts"], outputs, mode=mode)

    def last(self) -> str:
        """Return the name of the last hidden rows."""
        names = [node.output[0] for node in self.nodes if node.op_type != "Pool"]
        return names[-1] if names else "hidden"

    def model(self, inputs: Mapping[str, int], outputs: Mapping[str, int]) -> ModelProto:
        """Close the graph; inputs and outputs by name, with their element types."""
        graph = helper.make_graph(
            self.nodes,
            "made up",
            [helper.make_tensor_value_info(name, kind, None) for name, kind in inputs.items()],
            [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs.items()],
            self.constants,
        )
        opsets = [helper.make_opsetid("", 17), helper.make_opsetid("biolord", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)


IDS = {"input_ids": TensorProto.INT64, "attention_mask": TensorProto.INT64}
HIDDEN = {"hidden": TensorProto.FLOAT, "starts": TensorProto.INT32}
VECTORS = {"sentence_embedding": TensorProto.FLOAT, "unit_embedding": TensorProto.FLOAT}


def whole_model(encoder: Encoder, mode: int = 0) -> ModelProto:
    """Make the graph from ids to vectors."""
    graph = Graph()
    graph.embed(encoder)
    for number, layer in enumerate(encoder.layers):
        graph.attention(encoder, layer, f"attended{number}")
        graph.feed_forward(encoder, layer, f"layer{number}")
    graph.pool(mode)
    return graph.model(IDS, VECTORS)


def operator_model(encoder: Encoder, op: str) -> ModelProto:
    """Make the graph of one operator on the first layer's weights."""
    graph = Graph()
    if op == "Embed":
        graph.embed(encoder)
        return graph.model(IDS, HIDDEN)
    if op == "Pool":
        graph.pool()
        return graph.model(HIDDEN, VECTORS)
    if op == "Attention":
        graph.attention(encoder, encoder.layers[0], "result")
        return graph.model(HIDDEN, {"result": TensorProto.FLOAT})
    graph.feed_forward(encoder, encoder.layers[0], "result")
    return graph.model({"hidden": TensorProto.FLOAT}, {"result": TensorProto.FLOAT})
