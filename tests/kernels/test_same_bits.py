"""Every kind of kernels gives the bits of the plain one, and a text's vector depends on nothing but the text."""

from __future__ import annotations

import os
import sys
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from biolord_onnx.session import kernels
from kernels.encoder import Encoder, Sizes, operator_model, whole_model
from kernels.running import COMPARED, Array, assert_same_bits, hidden_feed, ids_feed, open_session, run

EDGES = (1, 2, 7, 12, 13, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 96, 128, 129)
ODD_SIZES = (
    Sizes(dim=64, heads=4, inner=128, groups=2),
    Sizes(dim=64, heads=1, inner=64, groups=1, bits=4),
    Sizes(dim=192, heads=4, inner=320, groups=5),
    Sizes(dim=320, heads=20, inner=384, groups=2, bits=4),
    Sizes(dim=384, heads=12, inner=1536, groups=4, layers=1),
    Sizes(dim=256, heads=2, inner=512, groups=8, bits=4),
    Sizes(dim=128, heads=1, inner=448, groups=3),
    Sizes(dim=192, heads=2, inner=704, groups=4, bits=4),
    Sizes(dim=64, heads=4, inner=128, value_bits=16),
    Sizes(dim=320, heads=10, inner=320, groups=5, bits=4, value_bits=16),
)


@cache
def model_of(sizes: Sizes, op: str, *, relative: bool = True) -> ModelProto:
    """Make a graph once."""
    encoder = Encoder.random(sizes, relative=relative)
    return whole_model(encoder) if op == "whole" else operator_model(encoder, op)


def feed_of(sizes: Sizes, op: str, lengths: list[int]) -> dict[str, Array]:
    """Make what an operator's graph is fed."""
    return ids_feed(lengths, sizes.vocabulary) if op in {"Embed", "whole"} else hidden_feed(lengths, sizes.dim)


@pytest.mark.parametrize("op", ["Embed", "Attention", "FeedForward", "Pool"])
@pytest.mark.parametrize(
    "sizes", [*ODD_SIZES[::2], *(pytest.param(sizes, marks=pytest.mark.real) for sizes in ODD_SIZES[1::2])], ids=str
)
def test_an_operator_gives_the_bits_of_the_plain_kind(kind: str, sizes: Sizes, op: str) -> None:
    """Widths of many kinds, two texts, few and many tokens."""
    feeds = [feed_of(sizes, op, lengths) for lengths in ([5], [33, 12], [120, 41])]
    assert_same_bits(model_of(sizes, op), kind, *feeds)


@pytest.mark.parametrize(("bits", "value_bits"), [(8, 8), (4, 8), (8, 16)])
def test_any_number_of_rows_gives_the_bits_of_the_plain_kind(kind: str, bits: int, value_bits: int) -> None:
    """Block edges of every kind's products, as one text each, and texts of one token."""
    sizes = Sizes(bits=bits, value_bits=value_bits)
    lengths = [lengths for count in EDGES for lengths in ([count], [1] * count)]
    assert_same_bits(model_of(sizes, "whole"), kind, *(ids_feed(each, sizes.vocabulary) for each in lengths))


@pytest.mark.parametrize("group", [8, 24, 32, 64, 192])
def test_4_bit_weights_give_the_bits_of_the_8_bit_ones_that_they_widen_to(kind: str, group: int) -> None:
    """In registers for few rows, in a buffer for more; groups that lie across the edges of tiles."""
    encoder = Encoder.random(Sizes(dim=192, inner=384, layers=1, bits=4, group=group))
    halves, whole = (open_session(whole_model(each), kind) for each in (encoder, encoder.widened()))
    for count in (1, 2, 3, 9, 12, 13, 25, 40):
        feed = ids_feed([count], encoder.sizes.vocabulary)
        assert [a.tobytes() for a in run(halves, feed)] == [a.tobytes() for a in run(whole, feed)], count


@pytest.mark.real
def test_every_length_gives_the_bits_of_the_plain_kind(kind: str) -> None:
    """1 to 512 tokens: all short ones, and of the long ones those at every edge of a block and some between."""
    sizes = Sizes(layers=1)
    lengths = [count for count in range(1, 513) if count <= 40 or count % 16 in {0, 1, 15} or count % 25 == 0]
    feeds = (ids_feed(lengths[first : first + 8], sizes.vocabulary) for first in range(0, len(lengths), 8))
    assert_same_bits(model_of(sizes, "whole"), kind, *feeds)


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_any_graph_gives_the_bits_of_the_plain_kind(kind: str, data: st.DataObject) -> None:
    """Drawn widths, groups, bits, seeds, batches and threads."""
    width, heads = data.draw(st.sampled_from([(64, 1), (16, 4), (32, 2), (64, 2), (48, 4), (32, 6), (128, 1)]))
    groups = data.draw(st.integers(1, 3))
    inner = 64 * groups * data.draw(st.integers(1, 3))
    bits, value_bits = data.draw(st.sampled_from([4, 8])), data.draw(st.sampled_from([8, 16]))
    sizes = Sizes(width * heads, heads, inner, groups, layers=1, bits=bits, value_bits=value_bits)
    encoder = Encoder.random(sizes, data.draw(st.integers(0, 1000)), relative=data.draw(st.booleans()))
    lengths = data.draw(st.lists(st.integers(1, 70), min_size=1, max_size=6))
    feed = ids_feed(lengths, sizes.vocabulary, data.draw(st.integers(0, 1000)))
    model = whole_model(encoder, mode=data.draw(st.integers(0, 5)))
    threads = data.draw(st.sampled_from([1, 2, 3]))
    assert_same_bits(model, kind, feed, threads=threads)


@pytest.mark.parametrize(("bits", "value_bits"), [(8, 8), (4, 8), (8, 16)])
@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_vector_is_a_function_of_its_text(threads: int, bits: int, value_bits: int) -> None:
    """Alone and in batches, in any order, on any number of threads."""
    sizes = Sizes(bits=bits, value_bits=value_bits)
    for name in kernels.available():
        session = open_session(model_of(sizes, "whole"), name, threads)
        lengths = [3, 18, 1, 60, 9, 33, 200, 17, 31]
        feed = ids_feed(lengths, sizes.vocabulary)
        together = run(session, feed)
        for row, length in enumerate(lengths):
            alone = run(session, {key: values[row : row + 1, :length] for key, values in feed.items()})
            assert [a[0].tobytes() for a in alone] == [a[row].tobytes() for a in together], (name, row)
        turned = run(session, {key: values[::-1] for key, values in feed.items()})
        assert [a[::-1].tobytes() for a in turned] == [a.tobytes() for a in together], name


def test_parts_of_a_query_run_often_give_the_same_bits() -> None:
    """Threads that come late or not at all change nothing: many short runs."""
    sizes = Sizes(dim=128, heads=4, inner=256, groups=2)
    session = open_session(model_of(sizes, "whole"), kernels.available()[0], 3)
    feed = ids_feed([11], sizes.vocabulary)
    first = [a.tobytes() for a in run(session, feed)]
    assert all([a.tobytes() for a in run(session, feed)] == first for _ in range(300))


def test_which_kinds_ran(capsys: pytest.CaptureFixture[str]) -> None:
    """Says which kinds were compared; where nothing may be missing, all that this machine has must have been."""
    here = set(kernels.available()) - {"plain"}
    with capsys.disabled():
        sys.stdout.write(f"\nkernels compared with plain: {sorted(COMPARED)}; this machine has {sorted(here)}\n")
    if os.environ.get("CI") == "true" and COMPARED:
        assert here == COMPARED
