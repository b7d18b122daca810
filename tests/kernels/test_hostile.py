"""Graphs and inputs that lie: an error of one line, never a wild read."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper, numpy_helper

from kernels.encoder import Encoder, Sizes, operator_model, whole_model
from kernels.running import Array, hidden_feed, ids_feed, open_session, run

OPERATORS = ("Embed", "Attention", "FeedForward", "Pool")
ENCODER = Encoder.random(Sizes(layers=1))
Refused = (
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
    onnxruntime.capi.onnxruntime_pybind11_state.Fail,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
    onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException,
)


def set_attribute(model: ModelProto, name: str, value: float | str | None) -> ModelProto:
    """Change or remove an attribute of the only node."""
    (node,) = model.graph.node
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept if value is None else [*kept, helper.make_attribute(name, value)])
    return model


def constant_of(model: ModelProto, index: int) -> Array:
    """Read a constant input of the only node."""
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == model.graph.node[0].input[index]]
    return np.asarray(numpy_helper.to_array(tensor))


def replace_constant(model: ModelProto, index: int, values: Array) -> None:
    """Give the only node another constant for an input."""
    (tensor,) = [tensor for tensor in model.graph.initializer if tensor.name == model.graph.node[0].input[index]]
    tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))


@pytest.mark.parametrize(
    ("op", "name", "value", "problem"),
    [
        ("Attention", "heads", 0, "attribute heads is 0, expected 1 to 4"),
        ("Attention", "heads", -4, "attribute heads is -4, expected 1 to 4"),
        ("Attention", "heads", 3, "attribute heads is 3 for 64 channels, expected heads of a multiple of 16"),
        ("Attention", "heads", 2**40, "attribute heads is 1099511627776, expected 1 to 4"),
        ("Attention", "heads", None, "heads"),
        ("Attention", "epsilon", 0.0, "attribute epsilon is 0, expected a number between 0 and 1"),
        ("Attention", "epsilon", float("nan"), "attribute epsilon is nan"),
        ("Attention", "value_activation_bits", 12, "value_activation_bits is 12, expected 8 or 16"),
        ("Attention", "value_activation_bits", 0, "value_activation_bits is 0, expected 8 or 16"),
        ("Attention", "value_activation_bits", -8, "value_activation_bits is -8, expected 8 or 16"),
        ("Attention", "value_activation_bits", 2**32 + 8, "value_activation_bits is 4294967304, expected 8 or 16"),
        ("Attention", "value_activation_bits", 16.0, "attribute value_activation_bits is no whole number"),
        ("Embed", "epsilon", -1.0, "attribute epsilon is -1"),
        ("Embed", "epsilon", None, "epsilon"),
        ("Embed", "first_position", -1, "attribute first_position is -1"),
        ("Embed", "first_position", 512, "attribute first_position is 512, expected less than the 512 positions"),
        ("Embed", "first_position", 2.0, "attribute first_position is no whole number"),
        ("Pool", "mode", "1", "attribute mode is no whole number"),
        ("Pool", "mode", 6, "attribute mode is 6, expected 0 to 5"),
    ],
)
def test_attributes(op: str, name: str, value: float | str | None, problem: str) -> None:
    """Missing, out of range, or not of the weights' sizes."""
    model = set_attribute(operator_model(ENCODER, op), name, value)
    with pytest.raises(Refused) as caught:
        open_session(model, "plain")
    assert problem in str(caught.value)


ENCODERS = {8: ENCODER, 4: Encoder.random(Sizes(layers=1, bits=4))}
WEIGHTS = [
    (bits, op, index)
    for bits, encoder in ENCODERS.items()
    for op in OPERATORS
    for index in range(len(operator_model(encoder, op).graph.initializer))
]
CHANGES: dict[str, Callable[[Array], Array]] = {
    "a row less": lambda values: values[:-1],
    "a column less": lambda values: values[..., :-1],
    "an axis more": lambda values: values[None],
    "six axes more": lambda values: values[None, None, None, None, None, None],
    "flat": lambda values: values.reshape(-1),
    "empty": lambda values: values[:0],
    "a scalar": lambda values: values.reshape(-1)[0],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("bits", "op", "index"), WEIGHTS)
def test_a_constant_of_another_shape(bits: int, op: str, index: int, change: str) -> None:
    """Every weight of every operator: the graph is refused before a run, or is another valid graph."""
    model = operator_model(ENCODERS[bits], op)
    tensor = model.graph.initializer[index]
    changed = np.asarray(CHANGES[change](numpy_helper.to_array(tensor)))
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed).reshape(changed.shape), tensor.name))
    # Fewer positions are a graph for shorter texts; widths are flat as they are.
    allowed = {("Embed", 2, "a row less"), ("FeedForward", 6, "flat")}
    if (op, index, change) in allowed:
        open_session(model, "plain")
        return
    with pytest.raises(Refused, match=f"biolord.{op}: "):
        open_session(model, "plain")


@pytest.mark.parametrize(("bits", "op", "index"), WEIGHTS)
def test_a_weight_that_is_not_constant(bits: int, op: str, index: int) -> None:
    """A weight that a run may change would be read where it lay at the start."""
    model = operator_model(ENCODERS[bits], op)
    tensor = model.graph.initializer.pop(index)
    model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    with pytest.raises(Refused, match="must be a constant initializer"):
        open_session(model, "plain")


@pytest.mark.parametrize(("bits", "op", "index"), WEIGHTS)
def test_a_weight_of_another_type(bits: int, op: str, index: int) -> None:
    """Doubles for floats and bytes."""
    model = operator_model(ENCODERS[bits], op)
    tensor = model.graph.initializer[index]
    tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float64), tensor.name))
    with pytest.raises(Refused, match=r"[Tt]ype"):
        open_session(model, "plain")


@pytest.mark.parametrize("op", ["Attention", "FeedForward"])
def test_group_scales_for_one_of_two_layers(op: str) -> None:
    """4 bits and 8 bits don't mix within an operator."""
    model = operator_model(ENCODERS[4], op)
    model.graph.node[0].input[-1] = ""
    with pytest.raises(Refused, match="group scales are given for one of two layers"):
        open_session(model, "plain")


@pytest.mark.parametrize("op", ["Attention", "FeedForward"])
def test_group_scales_of_another_number_of_groups(op: str) -> None:
    """64 inputs can't lie in 3 groups."""
    model = operator_model(ENCODERS[4], op)
    values = constant_of(model, -2)
    replace_constant(model, -2, np.ones((len(values), 3, 16), np.int8))
    with pytest.raises(Refused, match="for 3 groups, expected one for a multiple of 8 inputs of 64"):
        open_session(model, "plain")


@pytest.mark.parametrize(
    ("widths", "problem"),
    [
        ([64, 128], "groups are 192 wide together, expected 128"),
        ([64], "groups are 64 wide together, expected 128"),
        ([128, 0], "group 1 is 0 wide, expected a multiple of 64"),
        ([96, 32], "group 0 is 96 wide, expected a multiple of 64"),
        ([-64, 192], "group 0 is -64 wide, expected a multiple of 64"),
        ([], "widths has 0 groups, expected 1 to 32"),
        ([64] * 33, "widths has 33 groups, expected 1 to 32"),
        ([128], r"columns of the second layer has shape \[5, 64\], expected \[3, 64\]"),
        ([2**31 - 64, 192], "group 0 is 2147483584 wide, expected a multiple of 64"),
    ],
)
def test_widths_that_are_not_those_of_the_inner_channels(widths: list[int], problem: str) -> None:
    """Of the 128 that there are, in two groups."""
    model = operator_model(ENCODER, "FeedForward")
    replace_constant(model, 7, np.array(widths, dtype=np.int32))
    with pytest.raises(Refused, match=problem):
        open_session(model, "plain")


def test_group_scales_that_cross_from_one_group_of_channels_to_the_next() -> None:
    """One scale for all 128 inner channels, whose groups have 64 each."""
    model = operator_model(ENCODERS[4], "FeedForward")
    replace_constant(model, -1, np.ones((64 // 16, 16), np.int8))
    with pytest.raises(Refused, match="group 0 is 64 wide, its 4-bit weights share scales by 128 inputs"):
        open_session(model, "plain")


@pytest.mark.parametrize("value", [0, 16, -1, -128, 127])
@pytest.mark.parametrize("which", [-1, -2])
@pytest.mark.parametrize("op", ["Attention", "FeedForward"])
def test_group_scales_that_make_no_8_bit_weights(op: str, which: int, value: int) -> None:
    """The kinds would differ."""
    model = operator_model(ENCODERS[4], op)
    values = constant_of(model, which).copy()
    values.flat[[3, -1]] = value
    replace_constant(model, which, values)
    with pytest.raises(Refused, match=r"2 group scales of [a-z]+ are outside 1 to 15"):
        open_session(model, "plain")


def test_an_even_number_of_positions() -> None:
    """The bias has a middle."""
    encoder = replace(ENCODER, position_bias=np.zeros((4, 10), np.float32))
    with pytest.raises(Refused, match="position_bias has 10 columns, expected an odd number"):
        open_session(operator_model(encoder, "Attention"), "plain")


@pytest.mark.parametrize(
    ("ids", "mask", "problem"),
    [
        ([[1, 101]], [[1, 1]], "token 1 of text 0 has id 101, expected 0 to 100"),
        ([[1], [-1]], [[1], [1]], "token 0 of text 1 has id -1, expected 0 to 100"),
        ([[2**62]], [[1]], "has id 4611686018427387904"),
        ([[1, 2]], [[0, 1]], "attention_mask of text 0 has 1 in column 1, expected ones and then zeros"),
        ([[1, 2]], [[1, 2]], "attention_mask of text 0 has 2 in column 1"),
        ([[1, 2]], [[-1, 0]], "attention_mask of text 0 has -1 in column 0"),
        ([[1, 2]], [[0, 0]], "text 0 has 0 tokens, expected 1 to 512"),
        ([[1, 2]], [[1]], "attention_mask has shape [1, 1], expected [1, 2]"),
        ([1, 2], [1, 1], "input_ids has shape [2], expected [any, any]"),
        ([[1] * 513], [[1] * 513], "text 0 has 513 tokens, expected 1 to 512"),
    ],
)
def test_ids_and_masks(ids: list[object], mask: list[object], problem: str) -> None:
    """Ids outside the table, masks with holes, texts too long."""
    session = open_session(operator_model(ENCODER, "Embed"), "plain")
    with pytest.raises(Refused) as caught:
        run(session, {"input_ids": np.array(ids, np.int64), "attention_mask": np.array(mask, np.int64)})
    assert problem in str(caught.value)


def test_a_text_longer_than_the_positions() -> None:
    """RoBERTa's first position is 2: two positions fewer."""
    encoder = Encoder.random(Sizes(layers=1, positions=10))
    session = open_session(set_attribute(operator_model(encoder, "Embed"), "first_position", 2), "plain")
    run(session, ids_feed([8], 101))
    with pytest.raises(Refused, match="text 0 has 9 tokens, expected 1 to 8"):
        run(session, ids_feed([9], 101))
    attention = open_session(operator_model(encoder, "Attention"), "plain")
    with pytest.raises(Refused, match="text 0 goes from 0 to 11, expected 1 to 10 tokens"):
        run(attention, hidden_feed([11], 64))


@settings(max_examples=60, deadline=None)
@given(starts=st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(-2, 14), max_size=5), rows=st.integers(0, 12))
def test_starts(starts: list[int], rows: int) -> None:
    """Starts that don't go up from 0 to the number of rows, one by one or more, are refused."""
    valid = (
        len(starts) > 0 and starts[0] == 0 and starts[-1] == rows and all(a < b for a, b in itertools.pairwise(starts))
    )
    for op in ("Attention", "Pool"):
        session = open_session(operator_model(ENCODER, op), "plain")
        feed = {"hidden": np.zeros((rows, 64), np.float32), "starts": np.array(starts, np.int32)}
        if valid:
            run(session, feed)
        else:
            with pytest.raises(Refused, match=r"starts must go from 0|text [0-9]+ goes from"):
                run(session, feed)


@pytest.mark.parametrize("op", ["Attention", "FeedForward", "Pool"])
@pytest.mark.parametrize("shape", [(3,), (3, 63), (3, 128, 1), (3, 0), ()])
def test_hidden_of_another_shape(op: str, shape: tuple[int, ...]) -> None:
    """Rows that aren't as wide as the weights."""
    session = open_session(operator_model(ENCODER, op), "plain")
    feed = {"hidden": np.zeros(shape, np.float32), "starts": np.array([0, 3], np.int32)}
    with pytest.raises(Refused, match="hidden"):
        run(session, feed)


def test_no_text_at_all() -> None:
    """An empty batch has no vectors."""
    session = open_session(whole_model(ENCODER), "plain")
    empty = np.zeros((0, 4), np.int64)
    assert [a.shape for a in run(session, {"input_ids": empty, "attention_mask": empty})] == [(0, 64), (0, 64)]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", [5, 64 + 5, 128 + 5], ids=["query", "key", "value"])
def test_attention_of_numbers_that_are_not_finite(kind: str, channel: int, bad: float) -> None:
    """They are rounded to whole numbers, and must not become rows, or vectors of a model, that look right."""
    columns = ENCODER.layers[0].qkv.columns.copy()
    columns[2, channel] = bad
    layer = replace(ENCODER.layers[0], qkv=replace(ENCODER.layers[0].qkv, columns=columns))
    encoder = replace(ENCODER, layers=(layer,))
    (rows,) = run(open_session(operator_model(encoder, "Attention"), kind), hidden_feed([7, 33], 64))
    assert not np.isfinite(rows).all(axis=1).any()
    vectors, _ = run(open_session(whole_model(encoder), kind), ids_feed([7, 33], encoder.sizes.vocabulary))
    assert not np.isfinite(vectors).all(axis=1).any()


def test_numbers_that_are_none(kind: str) -> None:
    """Infinities and NaN, which no artifact of ours holds, end in some vector, on every kind."""
    encoder = replace(
        ENCODER, smoothing=np.full((2, 64), np.inf, np.float32), norm=np.full((2, 64), np.nan, np.float32)
    )
    outputs = run(open_session(whole_model(encoder), kind), ids_feed([20, 3], 101))
    assert [a.shape for a in outputs] == [(2, 64), (2, 64)]
