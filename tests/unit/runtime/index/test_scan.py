"""What a scan finds, with the compiled operators and without."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_onnx.errors import ProviderError
from biolord_onnx.index import native, plain_scan, scan
from biolord_onnx.index.folder import StoredVectors
from biolord_onnx.index.memory import nearest_rows
from biolord_onnx.index.scan import MOST_RANKED, PART_ROWS, candidates
from biolord_onnx.index.scoring import plain_score, score, unit_vectors
from biolord_onnx.index.wanted import Wanted
from biolord_onnx.session import kernels
from unit.runtime.index.vectors import Floats, clustered, in_memory, near

ROWS = 500


@pytest.fixture(scope="module")
def vectors() -> Floats:
    """Give some vectors."""
    return clustered(ROWS, 96)


def best(stored: StoredVectors, query: Floats, wanted: Wanted) -> list[int]:
    """Return the rows that a look at all of them gives, best first."""
    rows = np.arange(stored.rows)
    scores = plain_score(stored, rows, query)
    counts = scores >= wanted.least
    if wanted.mask is not None:
        counts &= wanted.mask
    order = [int(row) for row in np.lexsort((rows, -scores)) if counts[row]]
    if wanted.groups is None:
        return order[: wanted.top]
    first: dict[int, int] = {}
    for row in order:
        first.setdefault(int(wanted.groups[row]), row)
    return list(first.values())[: wanted.top]


@settings(max_examples=60)
@given(data=st.data(), low=st.booleans(), top=st.integers(1, 40), count=st.sampled_from([1, 3, 70]))
def test_no_row_of_the_answer_is_missing(vectors: Floats, data: st.DataObject, low: bool, top: int, count: int) -> None:
    """Whatever is asked for, by any number of queries; and few rows are candidates that don't belong to it."""
    stored = in_memory(vectors, low=low)
    random = np.random.default_rng(data.draw(st.integers(0, 99)))
    wanted = Wanted(
        top,
        data.draw(st.sampled_from([-2.0, 0.2, 0.9])),
        data.draw(st.sampled_from([None, random.integers(0, 60, ROWS).astype(np.int32)])),
        data.draw(st.sampled_from([None, random.random(ROWS) < 0.2])),
    )
    queries = near(vectors, count, data.draw(st.integers(0, 99)))
    for query, rows in zip(queries, candidates(stored, queries, wanted), strict=True):
        expected = best(stored, query, wanted)
        assert set(expected) <= set(rows.tolist())
        assert sorted(set(rows.tolist())) == rows.tolist()
        plain = plain_scan.candidates(stored, query, wanted).tolist()
        assert set(expected) <= set(plain)
        if wanted.mask is not None:
            assert wanted.mask[rows].all()


def test_few_rows_are_scored(vectors: Floats) -> None:
    """With the low bits or without: what the high bits leave out is small."""
    for low in (True, False):
        found = candidates(in_memory(vectors, low=low), near(vectors, 20), Wanted(10))
        assert np.mean([len(rows) for rows in found]) < 30


def test_many_rows_are_shared_by_threads() -> None:
    """Each takes the next part; what they found is put together."""
    rows = 2 * PART_ROWS + 33
    vectors = np.repeat(clustered(rows // 11, 64), 11, axis=0)[:rows]
    stored, queries, wanted = in_memory(vectors), near(vectors, 5), Wanted(7)
    rows = len(vectors)
    alone = [one.tolist() for one in candidates(stored, queries, wanted)]
    for threads in (2, 5):
        together = [one.tolist() for one in candidates(stored, queries, wanted, threads)]
        for query, some, others in zip(queries, alone, together, strict=True):
            expected = best(stored, query, wanted)
            assert set(expected) <= set(some)
            assert set(expected) <= set(others)


def test_parts_that_nothing_counts_in_are_passed_over() -> None:
    """A filter that leaves a few rows makes a scan short."""
    mask = np.zeros(3 * PART_ROWS, np.bool_)
    mask[PART_ROWS + 3] = True
    assert list(scan._parts(len(mask), Wanted(1, mask=mask))) == [(PART_ROWS, 2 * PART_ROWS)]
    stored = in_memory(clustered(50, 64))
    nothing = Wanted(1, mask=np.zeros(50, np.bool_))
    assert [rows.tolist() for rows in candidates(stored, near(clustered(50, 64), 2), nothing)] == [[], []]


def test_fewer_rows_count_than_are_wanted() -> None:
    """All of them are candidates, whoever scans."""
    vectors = clustered(50, 64)
    wanted = Wanted(10, mask=np.arange(50) % 20 == 0)
    stored, queries = in_memory(vectors), near(vectors, 1)
    assert [rows.tolist() for rows in candidates(stored, queries, wanted)] == [[0, 20, 40]]
    assert plain_scan.candidates(stored, queries[0], wanted).tolist() == [0, 20, 40]


def test_of_very_many_all_are_scored() -> None:
    """Keeping thousands in order costs more than scoring all."""
    vectors = clustered(MOST_RANKED + 60, 64)
    stored = in_memory(vectors)
    [rows] = candidates(stored, vectors[:1], Wanted(MOST_RANKED + 1))
    assert rows.tolist() == list(range(len(vectors)))
    mask = np.arange(len(vectors)) % 2 == 0
    [rows] = candidates(stored, vectors[:1], Wanted(MOST_RANKED + 1, mask=mask))
    assert rows.tolist() == list(range(0, len(vectors), 2))


def test_numpy_takes_the_place_of_missing_operators(vectors: Floats, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same answers, bit by bit."""
    expected = nearest_rows(vectors, vectors[3], 10)

    def missing() -> None:
        raise ProviderError("the compiled operators are missing here")

    monkeypatch.setattr(kernels, "library_path", missing)
    scan.is_compiled.cache_clear()
    try:
        assert nearest_rows(vectors, vectors[3], 10) == expected
    finally:
        scan.is_compiled.cache_clear()
    assert expected[0] == (3, 1.0)


@pytest.mark.parametrize("low", [True, False])
@pytest.mark.parametrize("dim", [1, 15, 64, 100, 768])
def test_scores_are_the_same_bits_in_numpy(dim: int, low: bool) -> None:
    """The compiled ones, in one order of sums; and right."""
    vectors = clustered(77, dim)
    stored, query = in_memory(vectors, low=low), near(vectors, 1)[0]
    rows = np.array([76, 0, 3, 3, 16], np.int64)
    found = score(stored, rows, query)
    assert np.array_equal(found, plain_score(stored, rows, query))
    exact = stored.restored(rows).astype(np.float64) @ query.astype(np.float64)
    np.testing.assert_allclose(found, exact, atol=1e-7)
    assert score(stored, rows[:0], query).shape == (0,)
    assert plain_score(stored, rows[:0], query).shape == (0,)


def test_too_little_memory_is_told(vectors: Floats) -> None:
    """A scan that can't be begun, and rows that there aren't: no wild read."""
    stored, query = in_memory(vectors), near(vectors, 1)
    with pytest.raises(MemoryError), native.scanning(stored, query, Wanted(0)):
        pass
    huge = replace(stored, dim=8192)
    with pytest.raises(MemoryError), native.scanning(huge, np.zeros((1, 8192), np.float32), Wanted(1)):
        pass
    with native.scanning(stored, query, Wanted(1)) as one:
        for part in ((0, ROWS), (-32, 0), (1, 33), (0, 1 << 40)):
            with pytest.raises(MemoryError):
                one.look(*part)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([[1.0, np.nan]], "query vector 0 of 1 holds NaN or infinity"),
        ([[1.0, 0.0], [0.0, 0.0]], "query vector 1 of 2 has length 0"),
        ([[1.0, 0.0, 0.0]], r"shape \[1, 3\], expected \[queries, 2\]"),
        ([[[1.0, 0.0]]], r"shape \[1, 1, 2\], expected \[queries, 2\]"),
    ],
)
def test_vectors_that_are_none(given: list[object], message: str) -> None:
    """Each is refused with what is wrong about it."""
    with pytest.raises(ValueError, match=message):
        unit_vectors(np.array(given), 2)


def test_vectors_of_any_length_are_taken() -> None:
    """Only the direction counts; a single one needs no second dimension."""
    found: NDArray[np.float32] = unit_vectors(np.array([3, 4]), 2)
    assert found.tolist() == [[np.float32(0.6), np.float32(0.8)]]
    assert found.dtype == np.float32
