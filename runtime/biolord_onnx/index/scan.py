"""A look at every vector of an index, by its high 8 bits: which of them may be among the nearest.

What the high bits say of a cosine is off by no more than the length of what they leave out. A row is a candidate unless
so many others are better for certain; so no row that belongs to the answer is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, reduce

import numpy as np

from biolord_onnx.errors import ProviderError
from biolord_onnx.index import native, plain_scan
from biolord_onnx.index.folder import StoredVectors
from biolord_onnx.index.packing import ROW_MULTIPLE, Vectors, filled
from biolord_onnx.index.wanted import Rows, Wanted
from biolord_onnx.session import kernels

# Rows that a thread takes at once: a millisecond's work.
PART_ROWS = 16384
# Of more, keeping the best in order costs more than scoring all.
MOST_RANKED = 2048

Part = tuple[int, int]


@cache
def is_compiled() -> bool:
    """Whether this installation has the compiled operators' library."""
    try:
        kernels.library_path()
    except ProviderError:
        return False
    return True


def candidates(vectors: StoredVectors, queries: Vectors, wanted: Wanted, threads: int = 1) -> Iterator[Rows]:
    """Yield for each query rows among which the nearest ones are, in order.

    Args:
        vectors: Of the index.
        queries: float32 [n, dim], of length 1.
        wanted: How many, and which rows count.
        threads: That share the rows.

    Raises:
        ProviderError: This machine can't run what BIOLORD_KERNELS names.
    """
    if wanted.top > MOST_RANKED:
        everything = np.arange(vectors.rows) if wanted.mask is None else np.flatnonzero(wanted.mask)
        yield from (everything for _ in queries)
    elif is_compiled():
        for start in range(0, len(queries), native.MOST_QUERIES):
            yield from _scan(vectors, queries[start : start + native.MOST_QUERIES], wanted, threads)
    else:
        for query in queries:
            yield plain_scan.candidates(vectors, query, wanted)


def _scan(vectors: StoredVectors, queries: Vectors, wanted: Wanted, threads: int) -> Iterator[Rows]:
    parts = list(_parts(vectors.rows, wanted))
    remaining = iter(parts)

    def work() -> list[native.Found]:
        with native.scanning(vectors, queries, wanted) as scan:
            # One iterator for all threads: whoever is free takes the next part.
            for first, last in remaining:
                scan.look(first, last)
            return scan.found()

    helpers = min(threads, len(parts)) - 1
    if helpers < 1:
        found = [work()]
    else:
        with ThreadPoolExecutor(helpers) as pool:
            others = [pool.submit(work) for _ in range(helpers)]
            found = [work(), *(other.result() for other in others)]
    return map(_together, zip(*found, strict=True))


def _parts(rows: int, wanted: Wanted) -> Iterator[Part]:
    """Cut the rows into parts, without those that nothing counts in."""
    for first in range(0, rows, PART_ROWS):
        last = min(first + PART_ROWS, rows)
        if wanted.mask is None or wanted.mask[first:last].any():
            yield first, filled(last, ROW_MULTIPLE)


def _together(found: tuple[native.Found, ...]) -> Rows:
    """Put together what several threads found for a query."""
    least = reduce(max, (some.least for some in found))
    rows = np.concatenate([some.rows[some.highest >= least] for some in found])
    return np.sort(rows).astype(np.int64)
