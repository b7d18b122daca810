"""EmbedPairs and Score: what they compute, with the same bits on every kind, and what they refuse."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper, numpy_helper

from kernels.encoder import HIDDEN, IDS, Encoder, Graph, Sizes
from kernels.pairs import Head, cross_model, embed_pairs_model, pairs_feed, score_model, type_table
from kernels.reference import layer_norm
from kernels.running import Array, assert_same_bits, hidden_feed, open_session, run

Refused = (
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument,
    onnxruntime.capi.onnxruntime_pybind11_state.Fail,
    onnxruntime.capi.onnxruntime_pybind11_state.InvalidGraph,
    onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException,
)
ENCODER = Encoder.random(Sizes(layers=1))
DIMS = (64, 192, 320, 384)
_erf = np.vectorize(math.erf, otypes=[np.float64])
ACTIVATIONS: dict[int | None, Callable[[Array], Any]] = {
    None: np.tanh,
    0: np.tanh,
    1: lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2,
    2: lambda x: np.maximum(x, 0),
}


@pytest.mark.parametrize("dim", DIMS)
def test_both_operators_give_the_bits_of_the_plain_kind(kind: str, dim: int) -> None:
    """Widths of many kinds, two pairs, every activation."""
    encoder = Encoder.random(Sizes(dim=dim, layers=1))
    assert_same_bits(embed_pairs_model(encoder), kind, pairs_feed([5, 33], 101), pairs_feed([1], 101))
    for activation in (0, 1, 2):
        assert_same_bits(score_model(Head.random(dim, activation)), kind, hidden_feed([5, 1, 33], dim))


@settings(max_examples=10, deadline=None)
@given(lengths=st.lists(st.integers(1, 60), min_size=1, max_size=5), threads=st.sampled_from([1, 2, 3]))
def test_a_whole_cross_encoder_gives_the_bits_of_the_plain_kind(kind: str, lengths: list[int], threads: int) -> None:
    """From ids and types to scores, alone and in batches."""
    model = cross_model(ENCODER, Head.random(64))
    feed = pairs_feed(lengths, 101)
    assert_same_bits(model, kind, feed, threads=threads)
    session = open_session(model, kind, threads)
    (together,) = run(session, feed)
    for row, length in enumerate(lengths):
        (alone,) = run(session, {name: values[row : row + 1, :length] for name, values in feed.items()})
        assert alone.tobytes() == together[row : row + 1].tobytes()


def test_a_token_s_type_is_added_before_the_normalization() -> None:
    """In double precision, by numpy."""
    feed = pairs_feed([9], 101)
    hidden, starts = run(open_session(embed_pairs_model(ENCODER), "plain"), feed)
    ids, types = feed["input_ids"][0], feed["token_type_ids"][0]
    scales = np.repeat(ENCODER.token_scales[ids].astype(np.float64), 64, axis=1)
    rows = ENCODER.table[ids] * scales + ENCODER.positions[:9] + type_table(64)[types]
    assert hidden == pytest.approx(layer_norm(rows, ENCODER), abs=1e-5)
    assert starts.tolist() == [0, 9]


def test_a_type_of_zeros_changes_no_bit() -> None:
    """A pair whose tokens all have the first of two types, which is zero, is embedded as a single text is."""
    model = embed_pairs_model(ENCODER)
    types = next(tensor for tensor in model.graph.initializer if tensor.name == model.graph.node[0].input[-1])
    types.CopyFrom(numpy_helper.from_array(np.zeros((2, 64), np.float32), types.name))
    single = Graph()
    single.embed(ENCODER)
    feed = pairs_feed([9, 4], 101)
    pairs, texts = (run(open_session(each, "plain"), feed)[0] for each in (model, single.model(IDS, HIDDEN)))
    assert pairs.tobytes() == texts.tobytes()


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dim", [64, 384])
def test_a_score_is_that_of_the_first_token(dim: int, activation: int | None) -> None:
    """A layer, the activation, one output, in double precision by numpy; tanh where no attribute says another."""
    head = Head.random(dim, activation)
    feed = hidden_feed([3, 1, 20], dim)
    (found,) = run(open_session(score_model(head), "plain"), feed)
    first = feed["hidden"][feed["starts"][:-1]].astype(np.float64)
    inner = ACTIVATIONS[activation](first @ head.dense.astype(np.float64) + head.dense_bias)
    assert found.shape == (3, 1)
    assert found[:, 0] == pytest.approx(inner @ head.output.astype(np.float64) + head.output_bias[0], abs=5e-4)
    if activation is None:
        assert found[:, 0] == pytest.approx(inner @ head.output.astype(np.float64) + head.output_bias[0], abs=1e-5)


@pytest.mark.parametrize("scale", [0.0, 1e-6, 0.1, 30.0, 1e30])
def test_tanh_is_exact_to_a_few_ulps_everywhere(scale: float) -> None:
    """Near zero, where differences cancel, and where the exponential vanishes."""
    dim = 64
    head = Head(np.eye(dim, dtype=np.float32) * np.float32(scale), *_zeros_but_first(dim))
    hidden = np.linspace(-1, 1, 21, dtype=np.float32)[:, np.newaxis] * np.ones(dim, np.float32)
    feed = {"hidden": hidden, "starts": np.arange(22, dtype=np.int32)}
    (found,) = run(open_session(score_model(head), "plain"), feed)
    assert found[:, 0] == pytest.approx(np.tanh(hidden[:, 0].astype(np.float64) * scale), abs=5e-7)


def _zeros_but_first(dim: int) -> tuple[Array, Array, Array]:
    output = np.zeros(dim, np.float32)
    output[0] = 1
    return np.zeros(dim, np.float32), output, np.zeros(1, np.float32)


@pytest.mark.parametrize(
    ("types", "problem"),
    [([0, 2], "token 1 of text 0 has type 2, expected 0 to 1"), ([-1, 0], "token 0 of text 0 has type -1")],
)
def test_types_outside_the_table(types: list[int], problem: str) -> None:
    """Never a wild read."""
    ids = np.ones((1, 2), np.int64)
    feed = {"input_ids": ids, "attention_mask": ids, "token_type_ids": np.array([types])}
    with pytest.raises(Refused) as caught:
        run(open_session(embed_pairs_model(ENCODER), "plain"), feed)
    assert problem in str(caught.value)


def test_types_of_another_shape() -> None:
    """One for each id."""
    ids = np.ones((1, 2), np.int64)
    feed = {"input_ids": ids, "attention_mask": ids, "token_type_ids": ids[:, :1]}
    with pytest.raises(Refused, match=r"token_type_ids has shape \[1, 1\], expected \[1, 2\]"):
        run(open_session(embed_pairs_model(ENCODER), "plain"), feed)


MODELS = {"EmbedPairs": embed_pairs_model(ENCODER), "Score": score_model(Head.random(64))}
WEIGHTS = [(op, index) for op, model in MODELS.items() for index in range(len(model.graph.initializer))]


def _copy(op: str) -> ModelProto:
    model = ModelProto()
    model.CopyFrom(MODELS[op])
    return model


@pytest.mark.parametrize(
    "change", [lambda a: a[..., :-1], lambda a: a[None], lambda a: a[:0], lambda a: a.astype(np.float64)]
)
@pytest.mark.parametrize(("op", "index"), WEIGHTS)
def test_a_constant_of_another_shape_or_type(op: str, index: int, change: Callable[[Array], Array]) -> None:
    """The graph is refused before a run."""
    model = _copy(op)
    tensor = model.graph.initializer[index]
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(change(numpy_helper.to_array(tensor))), tensor.name))
    with pytest.raises(Refused, match=rf"biolord.{op}: |[Tt]ype"):
        open_session(model, "plain")


@pytest.mark.parametrize(("op", "index"), WEIGHTS)
def test_a_weight_that_is_not_constant(op: str, index: int) -> None:
    """A weight that a run may change would be read where it lay at the start."""
    model = _copy(op)
    tensor = model.graph.initializer.pop(index)
    model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))
    with pytest.raises(Refused, match="must be a constant initializer"):
        open_session(model, "plain")


@pytest.mark.parametrize("value", [3, -1, 2**32])
def test_an_activation_that_is_none(value: int) -> None:
    """Three are known."""
    with pytest.raises(Refused, match=f"attribute activation is {value}, expected 0 to 2"):
        open_session(score_model(Head.random(64, value)), "plain")


@pytest.mark.parametrize("shape", [(3,), (3, 128), (3, 0)])
def test_hidden_rows_of_another_width(shape: tuple[int, ...]) -> None:
    """Than the classifier's."""
    feed = {"hidden": np.zeros(shape, np.float32), "starts": np.array([0, 3], np.int32)}
    with pytest.raises(Refused, match="hidden"):
        run(open_session(score_model(Head.random(64)), "plain"), feed)


def test_no_pair_at_all() -> None:
    """An empty batch has no scores."""
    empty = np.zeros((0, 4), np.int64)
    feed = {"input_ids": empty, "attention_mask": empty, "token_type_ids": empty}
    (found,) = run(open_session(cross_model(ENCODER, Head.random(64)), "plain"), feed)
    assert found.shape == (0, 1)
