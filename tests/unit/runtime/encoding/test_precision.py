"""Number formats of vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from biolord_onnx.artifact.ranges import Ranges
from biolord_onnx.encoding.precision import PRECISIONS, Conversion, Precision, choose_conversion
from biolord_onnx.errors import InputError

RANGES = Ranges((-1.0, 0.0, 5.0), (1.0, 0.5, 5.0))
VECTORS = np.array([[-1, 0, 5], [1.01, 0.51, 5], [0, 0.25, 5], [-9, 9, 4], [0.999, 0.001, 6]], dtype=np.float32)
some_vectors = hnp.arrays(np.float32, hnp.array_shapes(min_dims=2, max_dims=2), elements=st.floats(-4, 4, width=32))


def sentence_transformers(vectors: NDArray[np.float32], ranges: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Compute uint8 by the definition of sentence-transformers 5.7's ``quantize_embeddings``."""
    steps = (ranges[1] - ranges[0]) / 255
    steps = np.where(steps == 0, 1, steps)
    levels: NDArray[np.uint8] = np.clip(np.floor((vectors - ranges[0]) / steps), 0, 255).astype(np.uint8)
    return levels


def test_8_bits_are_steps_of_each_range() -> None:
    """The ends are 0 and 255, what lies outside is clipped, and a dimension without a range is 0 until it grows."""
    found = Conversion("uint8", RANGES).apply(VECTORS)
    assert found.tolist() == [[0, 0, 0], [255, 255, 0], [127, 127, 0], [0, 255, 0], [254, 0, 1]]


def test_signed_8_bits_are_128_less() -> None:
    """From -128 to 127."""
    found = Conversion("int8", RANGES).apply(VECTORS)
    assert found.dtype == np.int8
    np.testing.assert_array_equal(found, Conversion("uint8", RANGES).apply(VECTORS).astype(np.int16) - 128)


@given(some_vectors)
def test_8_bits_are_sentence_transformers(vectors: NDArray[np.float32]) -> None:
    """With the same ranges, the same numbers."""
    ends = np.array([[-1.5] * vectors.shape[1], [2.5] * vectors.shape[1]], dtype=np.float32)
    ranges = Ranges(tuple(ends[0].tolist()), tuple(ends[1].tolist()))
    np.testing.assert_array_equal(Conversion("uint8", ranges).apply(vectors), sentence_transformers(vectors, ends))


@given(some_vectors)
def test_binary_keeps_the_signs(vectors: NDArray[np.float32]) -> None:
    """Eight a number, the first in the highest bit, the last number filled up with zeros; signed ones are 128 less."""
    found = Conversion("ubinary").apply(vectors)
    assert found.shape == (len(vectors), Conversion("ubinary").width(vectors.shape[1]))
    np.testing.assert_array_equal(np.unpackbits(found.astype(np.uint8), axis=1)[:, : vectors.shape[1]], vectors > 0)
    np.testing.assert_array_equal(Conversion("binary").apply(vectors), found.astype(np.int16) - 128)


def test_floats() -> None:
    """float32 is what the graph gives, float16 the nearest to it."""
    assert Conversion("float32").apply(VECTORS) is VECTORS
    np.testing.assert_array_equal(Conversion("float16").apply(VECTORS), VECTORS.astype(np.float16))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("count", [0, 3])
def test_what_is_promised_is_what_comes(precision: Precision, count: int) -> None:
    """Type and width are known before anything is computed, so that the result can be filled in place."""
    conversion = choose_conversion(precision, lambda: RANGES)
    found = conversion.apply(VECTORS[:count])
    assert (found.dtype, found.shape) == (np.dtype(conversion.dtype), (count, conversion.width(3)))


def test_ranges_are_read_only_where_they_are_needed() -> None:
    """They are a file of their own."""

    def fail() -> Ranges:
        raise AssertionError

    assert choose_conversion("float32", fail) == Conversion("float32")
    assert choose_conversion("binary", fail) == Conversion("binary")


def test_an_artifact_without_ranges() -> None:
    """It was exported before there were any."""
    with pytest.raises(InputError, match=r"'int8', but the artifact holds no ranges .*: export it again, or take 'flo"):
        choose_conversion("int8", lambda: None)


def test_an_unknown_format() -> None:
    """Those there are are named."""
    with pytest.raises(InputError, match=r"precision is 'int4', expected one of 'float32', .*, 'ubinary'$"):
        choose_conversion("int4", lambda: None)
