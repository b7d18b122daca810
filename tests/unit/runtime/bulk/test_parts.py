"""Cutting rows into parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.bulk.parts import PART_ROWS, cut
from biolord_onnx.bulk.reading import Row
from biolord_onnx.encoding.batching import CHUNK_CHARACTERS


@given(st.lists(st.text(max_size=5)), st.integers(1, 7))
def test_nothing_is_lost(texts: list[str], most: int) -> None:
    """Parts follow each other, none is empty, and all but the last are full."""
    rows = [Row(text) for text in texts]
    parts = list(cut(rows, most))
    assert [row for part in parts for row in part] == rows
    assert all(len(part) == most for part in parts[:-1])
    assert all(0 < len(part) <= most for part in parts)


def test_long_texts_make_short_parts() -> None:
    """A part is bounded in memory; a text over the bound stands alone."""
    half, whole = Row("x" * (CHUNK_CHARACTERS // 2)), Row("x" * (CHUNK_CHARACTERS + 1))
    assert [len(part) for part in cut([half, half, half, whole, half])] == [2, 1, 1, 1]


def test_rows_are_drawn_as_needed() -> None:
    """A part needs its own rows and one more."""
    drawn = []

    def rows() -> object:
        for number in range(3 * PART_ROWS):
            drawn.append(number)
            yield Row(str(number))

    parts = cut(rows())  # type: ignore[arg-type]
    next(parts)
    assert len(drawn) == PART_ROWS + 1
