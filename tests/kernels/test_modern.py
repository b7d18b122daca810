"""The operators of ModernBERT and ELECTRA: what they compute, the same bits everywhere, and graphs that lie."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper, numpy_helper

from biolord_onnx.session import kernels
from kernels import modern
from kernels.modern import OPERATORS, Encoder, Sizes, operator_model, whole_model
from kernels.running import assert_same_bits, hidden_feed, ids_feed, open_session, run
from kernels.test_hostile import CHANGES, Refused, set_attribute

SIZES = (
    Sizes(layers=1),
    Sizes(dim=192, heads=3, inner=320, groups=5, layers=1, bits=4, window=None, projected=64),
    Sizes(dim=128, heads=2, inner=256, groups=1, layers=1, window=17, projected=192),
    Sizes(dim=128, heads=4, inner=256, layers=1, value_bits=16, window=0),
    Sizes(dim=192, heads=3, inner=192, groups=3, layers=1, bits=4, value_bits=16, window=40),
)
CLOSE, A_STEP = 1e-4, 0.03
"""A float near the middle of two steps may be rounded the other way, which moves a result by a step of one input."""
LENGTHS = (7, 83, 1, 40)


@cache
def model_of(sizes: Sizes, op: str) -> ModelProto:
    """Make a graph once."""
    encoder = Encoder.random(sizes)
    return whole_model(encoder) if op == "whole" else operator_model(encoder, op)


@pytest.mark.parametrize("normalized", [False, True])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_halves_of_a_layer(sizes: Sizes, *, normalized: bool) -> None:
    """Turned queries and keys, windows, gates; a row that is normalized first, and one that is already."""
    encoder = Encoder.random(sizes)
    layer = encoder.layers[0]
    feed = hidden_feed(LENGTHS, sizes.dim)
    texts = np.split(feed["hidden"].astype(np.float64), np.cumsum(LENGTHS)[:-1])
    expected = {
        "RotaryAttention": [modern.rotary_attention(encoder, layer, text, normalized=normalized) for text in texts],
        "GatedFeedForward": [modern.gated_feed_forward(encoder, layer, text) for text in texts],
        "Project": [modern.project(encoder, text) for text in texts],
        "LayerNorm": [modern.layer_norm(text, encoder) for text in texts],
    }
    for op, parts in expected.items():
        (found,) = run(open_session(operator_model(encoder, op, normalized=normalized), "plain"), feed)
        errors = np.abs(found - np.concatenate(parts))
        assert np.median(errors) < CLOSE, op
        assert errors.max() < A_STEP * max(1, np.abs(found).max() / 4), op


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_whole_graph(sizes: Sizes) -> None:
    """Vectors of ids, and the same of length 1."""
    encoder = Encoder.random(sizes)
    feed = ids_feed(LENGTHS, sizes.vocabulary)
    mean, unit = run(open_session(whole_model(encoder), "plain"), feed)
    for row, length in enumerate(LENGTHS):
        expected = modern.vector(encoder, feed["input_ids"][row, :length].astype(np.int64))
        assert np.abs(mean[row] - expected).max() < A_STEP
        assert unit[row] == pytest.approx(mean[row] / np.linalg.norm(mean[row].astype(np.float64)), abs=1e-6)


@pytest.mark.parametrize("sizes", [SIZES[1], SIZES[4]], ids=str)
def test_a_text_of_several_chunks(sizes: Sizes) -> None:
    """Weights are rounded for 512 keys at a time, whatever the block of queries sees of them."""
    encoder = Encoder.random(sizes)
    feed = hidden_feed([690], sizes.dim)
    expected = modern.rotary_attention(encoder, encoder.layers[0], feed["hidden"].astype(np.float64))
    (found,) = run(open_session(model_of(sizes, "RotaryAttention"), "plain"), feed)
    assert np.median(np.abs(found - expected)) < CLOSE
    for kind in kernels.available():
        assert_same_bits(model_of(sizes, "RotaryAttention"), kind, feed)


def test_a_window_that_sees_all_is_none() -> None:
    """The same bits, from the smallest window that reaches every key on; a narrower one hides a key."""
    encoder = Encoder.random(Sizes(layers=1))
    feed = hidden_feed([40], 64)
    found = {
        window: run(
            open_session(
                operator_model(replace(encoder, sizes=replace(encoder.sizes, window=window)), OPERATORS[3]), "plain"
            ),
            feed,
        )[0].tobytes()
        for window in (None, 38, 39, 500)
    }
    assert found[39] == found[500] == found[None] != found[38]


def test_a_key_outside_the_window_gets_no_weight() -> None:
    """Rows that a query doesn't see move it by a step of the grids at most, if they are the largest; others more."""
    sizes = Sizes(layers=1, window=20)
    session = open_session(model_of(sizes, "RotaryAttention"), kernels.available()[0])
    feed = hidden_feed([90], 64)
    (before,) = run(session, feed)
    for changed, same in ((71, True), (70, False), (29, True), (30, False)):
        hidden = feed["hidden"].copy()
        hidden[changed] *= -3
        (after,) = run(session, {**feed, "hidden": hidden})
        assert bool(np.abs(after[50] - before[50]).max() < A_STEP) is same, changed


@pytest.mark.parametrize("op", OPERATORS)
@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_an_operator_gives_the_bits_of_the_plain_kind(kind: str, sizes: Sizes, op: str) -> None:
    """Few and many tokens, two texts."""
    lengths = ([5], [33, 12], [120, 41])
    feed_of = ids_feed if op == "EmbedTokens" else hidden_feed
    width = sizes.vocabulary if op == "EmbedTokens" else sizes.dim
    assert_same_bits(model_of(sizes, op), kind, *(feed_of(each, width) for each in lengths))


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_graph_gives_the_bits_of_the_plain_kind(kind: str, data: st.DataObject) -> None:
    """Drawn widths, windows, groups, bits, seeds, batches and threads."""
    width, heads = data.draw(st.sampled_from([(64, 1), (32, 2), (64, 2), (96, 2), (32, 6), (128, 1)]))
    groups = data.draw(st.integers(1, 3))
    sizes = Sizes(
        width * heads,
        heads,
        64 * groups * data.draw(st.integers(1, 2)),
        groups,
        layers=1,
        bits=data.draw(st.sampled_from([4, 8])),
        value_bits=data.draw(st.sampled_from([8, 16])),
        window=data.draw(st.none() | st.integers(0, 70)),
    )
    encoder = Encoder.random(sizes, data.draw(st.integers(0, 1000)))
    lengths = data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=5))
    feed = ids_feed(lengths, sizes.vocabulary, data.draw(st.integers(0, 1000)))
    assert_same_bits(whole_model(encoder), kind, feed, threads=data.draw(st.sampled_from([1, 2, 3])))


def test_long_texts_give_the_bits_of_the_plain_kind(kind: str) -> None:
    """Beyond the 512 tokens that other operators take."""
    sizes = Sizes(window=64, value_bits=16)
    assert_same_bits(model_of(sizes, "whole"), kind, ids_feed([700, 3, 513], sizes.vocabulary))


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_vector_is_a_function_of_its_text(threads: int) -> None:
    """Alone and in batches, on any number of threads."""
    sizes = Sizes(value_bits=16)
    for name in kernels.available():
        session = open_session(model_of(sizes, "whole"), name, threads)
        lengths = [3, 18, 1, 60, 200, 17]
        feed = ids_feed(lengths, sizes.vocabulary)
        together = run(session, feed)
        for row, length in enumerate(lengths):
            alone = run(session, {key: values[row : row + 1, :length] for key, values in feed.items()})
            assert [a[0].tobytes() for a in alone] == [a[row].tobytes() for a in together], (name, row)


ENCODERS = {bits: Encoder.random(Sizes(layers=1, bits=bits)) for bits in (8, 4)}
WEIGHTS = [
    (bits, op, index)
    for bits, encoder in ENCODERS.items()
    for op in OPERATORS
    for index in range(len(operator_model(encoder, op).graph.initializer))
    if bits == 8 or op in {"RotaryAttention", "GatedFeedForward"}
]


@pytest.mark.parametrize(
    ("op", "name", "value", "problem"),
    [
        ("RotaryAttention", "heads", 0, "attribute heads is 0, expected 1 to 2"),
        ("RotaryAttention", "heads", 2**40, "attribute heads is 1099511627776, expected 1 to 2"),
        ("RotaryAttention", "heads", None, "heads"),
        ("RotaryAttention", "epsilon", 0.0, "attribute epsilon is 0, expected a number between 0 and 1"),
        ("RotaryAttention", "value_activation_bits", 12, "value_activation_bits is 12, expected 8 or 16"),
        ("RotaryAttention", "window", -1, "attribute window is -1, expected 0 to 8192"),
        ("RotaryAttention", "window", 2**33, "attribute window is 8589934592, expected 0 to 8192"),
        ("RotaryAttention", "window", 2.0, "attribute window is no whole number"),
        ("RotaryAttention", "normalized", 2, "attribute normalized is 2, expected 0 to 1"),
        ("GatedFeedForward", "groups", 0, "attribute groups is 0, expected 1 to 48"),
        ("GatedFeedForward", "groups", 3, "256 inner channels and gates in 3 groups"),
        ("GatedFeedForward", "groups", 1, "second has shape [2, 4, 16, 16, 4], expected [1, 4, 32, 16, 4]"),
        ("GatedFeedForward", "epsilon", None, "epsilon"),
        ("LayerNorm", "epsilon", 1.0, "attribute epsilon is 1, expected a number between 0 and 1"),
        ("EmbedTokens", "epsilon", -1.0, "attribute epsilon is -1"),
    ],
)
def test_attributes(op: str, name: str, value: float | None, problem: str) -> None:
    """Missing, out of range, or not of the weights' sizes."""
    model = set_attribute(operator_model(ENCODERS[8], op), name, value)
    with pytest.raises(Refused) as caught:
        open_session(model, "plain")
    assert problem in str(caught.value)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(("bits", "op", "index"), WEIGHTS)
def test_a_constant_of_another_shape(bits: int, op: str, index: int, change: str) -> None:
    """Every weight of every operator: the graph is refused before a run, or is another valid graph."""
    model = operator_model(ENCODERS[bits], op)
    tensor = model.graph.initializer[index]
    changed = np.asarray(CHANGES[change](numpy_helper.to_array(tensor)))
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(changed).reshape(changed.shape), tensor.name))
    if (op, index) == ("RotaryAttention", 5) and change in {"a row less", "empty"}:
        open_session(model, "plain")  # fewer positions are a graph for shorter texts
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


@pytest.mark.parametrize("op", ["RotaryAttention", "GatedFeedForward"])
def test_group_scales_for_one_of_two_layers(op: str) -> None:
    """4 bits and 8 bits don't mix within an operator."""
    model = operator_model(ENCODERS[4], op)
    model.graph.node[0].input[-1] = ""
    with pytest.raises(Refused, match="group scales are given for one of two layers"):
        open_session(model, "plain")


def test_a_text_longer_than_the_turns() -> None:
    """Every token needs a place, and none is made up."""
    encoder = Encoder.random(Sizes(layers=1, positions=10))
    session = open_session(operator_model(encoder, "RotaryAttention"), "plain")
    run(session, hidden_feed([10], 64))
    with pytest.raises(Refused, match="text 0 goes from 0 to 11, expected 1 to 10 tokens"):
        run(session, hidden_feed([11], 64))


def test_a_text_longer_than_any() -> None:
    """8,192 tokens are the most, whatever the tables hold."""
    session = open_session(model_of(Sizes(layers=1), "EmbedTokens"), "plain")
    run(session, ids_feed([8192], 101))
    with pytest.raises(Refused, match="text 0 has 8193 tokens, expected 1 to 8192"):
        run(session, ids_feed([8193], 101))


@pytest.mark.parametrize("op", ["Project", "LayerNorm", "RotaryAttention", "GatedFeedForward"])
@pytest.mark.parametrize("shape", [(3,), (3, 63), (3, 128, 1), (3, 0), ()])
def test_hidden_of_another_shape(op: str, shape: tuple[int, ...]) -> None:
    """Rows that aren't as wide as the weights."""
    session = open_session(operator_model(ENCODERS[8], op), "plain")
    feed = {"hidden": np.zeros(shape, np.float32), "starts": np.array([0, 3], np.int32)}
    with pytest.raises(Refused, match="hidden"):
        run(session, feed)


@pytest.mark.parametrize("starts", [[0, 2], [1, 3], [0, 3, 3], [0, 4], [], [0, -1, 3]])
def test_starts_that_do_not_fill_the_rows(starts: list[int]) -> None:
    """Texts must follow one another through all rows."""
    session = open_session(operator_model(ENCODERS[8], "RotaryAttention"), "plain")
    feed = {"hidden": np.zeros((3, 64), np.float32), "starts": np.array(starts, np.int32)}
    with pytest.raises(Refused, match=r"starts must go from 0|text [0-9]+ goes from"):
        run(session, feed)


def test_numbers_that_are_none(kind: str) -> None:
    """Infinities and NaN, which no artifact of ours holds, end in some vector, on every kind."""
    encoder = replace(
        ENCODERS[8], norm=np.full((2, 64), np.nan, np.float32), turns=np.full((700, 32), np.inf, np.float32)
    )
    outputs = run(open_session(whole_model(encoder), kind), ids_feed([20, 3], 101))
    assert [a.shape for a in outputs] == [(2, 64), (2, 64)]
