"""The scan and the scores of the compiled operators' library."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, POINTER, Structure, byref, c_float, c_int, c_int32, c_int64, c_void_p
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import ProviderError
from biolord_onnx.index.folder import ERRORS, STEPS, SUMS, StoredVectors
from biolord_onnx.index.packing import DIM_MULTIPLE, Vectors, filled
from biolord_onnx.index.wanted import Rows, Wanted
from biolord_onnx.session import kernels

MOST_QUERIES = 64
"""Of one scan."""


class Request(Structure):
    """What `biolord_scan_begin` takes."""

    _fields_ = (
        ("high", c_void_p),
        ("steps", c_void_p),
        ("sums", c_void_p),
        ("errors", c_void_p),
        ("rows", c_int64),
        ("dim", c_int32),
        ("count", c_int32),
        ("queries", c_void_p),
        ("top", c_int32),
        ("least", c_float),
        ("groups", c_void_p),
        ("mask", c_void_p),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """Rows that may be among the nearest to a query.

    Attributes:
        rows: int32 [n], in no order.
        highest: float32 [n], what their cosines may reach.
        least: What a row must reach to be among the nearest.
    """

    rows: NDArray[np.int32]
    highest: NDArray[np.float32]
    least: float


@cache
def library() -> CDLL:
    """Return the library with the types of its functions.

    Raises:
        ProviderError: It is missing or of another build, or this machine can't run what BIOLORD_KERNELS names.
    """
    found = kernels.open_library()
    if not hasattr(found, "biolord_scan_begin"):
        raise ProviderError(
            "the compiled operators lack the scan of an index: they are of another biolord-onnx, install it again"
        )
    found.biolord_scan_begin.restype = c_void_p
    found.biolord_scan_rows.argtypes = [c_void_p, c_int64, c_int64]
    found.biolord_scan_found.argtypes = [c_void_p, c_int, c_void_p, c_void_p]
    found.biolord_scan_found.restype = c_int64
    found.biolord_scan_least.argtypes = [c_void_p, c_int]
    found.biolord_scan_least.restype = c_float
    found.biolord_scan_end.argtypes = [c_void_p]
    found.biolord_scan_end.restype = None
    found.biolord_score.argtypes = [c_void_p] * 3 + [c_int32, c_void_p, c_int64, c_void_p, c_void_p]
    found.biolord_score.restype = None
    return found


class Scan:
    """A scan of some rows, by one thread."""

    def __init__(self, vectors: StoredVectors, queries: Vectors, wanted: Wanted) -> None:
        """Begin; arguments are those of `biolord_onnx.index.scan.candidates`, with 64 queries at most.

        Raises:
            MemoryError: There is too little memory.
        """
        self._count = len(queries)
        padded = np.zeros((self._count, filled(vectors.dim, DIM_MULTIPLE)), np.float32)
        padded[:, : vectors.dim] = queries
        errors = None if vectors.low is None else vectors.figures[ERRORS]
        mask = None if wanted.mask is None else wanted.mask.view(np.uint8)
        # What is pointed to must stay.
        self._arrays = (vectors, padded, wanted, mask)
        request = Request(
            vectors.high.ctypes.data,
            vectors.figures[STEPS].ctypes.data,
            vectors.figures[SUMS].ctypes.data,
            _address(errors),
            vectors.rows,
            padded.shape[1],
            self._count,
            padded.ctypes.data,
            wanted.top,
            wanted.least,
            _address(wanted.groups),
            _address(mask),
        )
        self._library = library()
        self._scan = self._library.biolord_scan_begin(byref(request))
        if self._scan is None:
            raise MemoryError

    def look(self, first: int, last: int) -> None:
        """Look at rows; both numbers are multiples of 32.

        Raises:
            MemoryError: There is too little memory.
        """
        if not self._library.biolord_scan_rows(self._scan, first, last):
            raise MemoryError

    def found(self) -> list[Found]:
        """Return what was found for each query so far."""
        return [self._found(query) for query in range(self._count)]

    def close(self) -> None:
        """Free the memory."""
        self._library.biolord_scan_end(self._scan)

    def _found(self, query: int) -> Found:
        rows, highest = POINTER(c_int32)(), POINTER(c_float)()
        count = self._library.biolord_scan_found(self._scan, query, byref(rows), byref(highest))
        least = self._library.biolord_scan_least(self._scan, query)
        if not count:
            return Found(np.empty(0, np.int32), np.empty(0, np.float32), least)
        shape = (count,)
        return Found(np.ctypeslib.as_array(rows, shape).copy(), np.ctypeslib.as_array(highest, shape).copy(), least)


@contextmanager
def scanning(vectors: StoredVectors, queries: Vectors, wanted: Wanted) -> Iterator[Scan]:
    """Begin a scan, and free its memory in the end."""
    scan = Scan(vectors, queries, wanted)
    try:
        yield scan
    finally:
        scan.close()


def score(vectors: StoredVectors, rows: Rows, query: Vectors) -> NDArray[np.float32]:
    """Return cosines; arguments and result are those of `biolord_onnx.index.scoring.score`."""
    some = np.ascontiguousarray(rows, np.int32)
    wanted = np.ascontiguousarray(query, np.float32)
    found = np.empty(len(some), np.float32)
    library().biolord_score(
        vectors.high.ctypes.data,
        _address(vectors.low),
        vectors.figures[STEPS].ctypes.data,
        vectors.dim,
        some.ctypes.data,
        len(some),
        wanted.ctypes.data,
        found.ctypes.data,
    )
    return found


def _address(array: NDArray[np.generic] | None) -> int | None:
    return None if array is None else array.ctypes.data
