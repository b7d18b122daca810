"""The vectors of an index that is built, packed block by block: new ones as embedded, known ones as they are."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.files import FIGURES, HIGH, LOW
from biolord_onnx.index.folder import ERRORS, STEPS, SUMS, IndexFolder
from biolord_onnx.index.packing import (
    DIM_MULTIPLE,
    ROW_MULTIPLE,
    Packed,
    Vectors,
    filled,
    from_panels,
    pack,
    to_panels,
)

BLOCK_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Gathered:
    """Where the vectors of an index come from.

    Attributes:
        known: int64 [rows], the row in the other index; -1 for those that are new.
        old: The other index, None if all are new.
        new: float32 [new rows, dim], in the order of the rows.
    """

    known: NDArray[np.int64]
    old: IndexFolder | None
    new: Vectors

    def packed(self, start: int, stop: int) -> Packed:
        """Return the vectors of consecutive rows."""
        known = self.known[start:stop]
        is_new = known < 0
        before = int((self.known[:start] < 0).sum())
        packed = pack(np.asarray(self.new[before : before + int(is_new.sum())]))
        if self.old is None:
            return packed
        return _merged(packed, _of_index(self.old, known[~is_new]), is_new)

    def original(self, start: int, stop: int) -> Vectors:
        """Return the vectors as they were embedded, as far as they are still there."""
        known = self.known[start:stop]
        is_new = known < 0
        before = int((self.known[:start] < 0).sum())
        found = np.empty((len(known), self.new.shape[1]), np.float32)
        found[is_new] = self.new[before : before + int(is_new.sum())]
        if self.old is not None:
            found[~is_new] = self.old.vectors.restored(known[~is_new])
        return found


def write_vectors(gathered: Gathered, folder: Path, *, low: bool) -> None:
    """Write the files of the vectors.

    Args:
        gathered: The vectors.
        folder: For the files.
        low: Whether the low bits are kept.

    Raises:
        OSError: The disk is full.
    """
    rows, dim = len(gathered.known), gathered.new.shape[1]
    figures = np.zeros((3, filled(rows, ROW_MULTIPLE)), "<f4")
    with ExitStack() as stack:
        high_file = stack.enter_context((folder / HIGH).open("xb"))
        low_file = stack.enter_context((folder / LOW).open("xb")) if low else None
        for start in range(0, rows, BLOCK_ROWS):
            packed = gathered.packed(start, min(start + BLOCK_ROWS, rows))
            count = len(packed.steps)
            high = np.zeros((filled(count, ROW_MULTIPLE), filled(dim, DIM_MULTIPLE)), np.int8)
            high[:count, :dim] = packed.high
            high_file.write(to_panels(high).tobytes())
            if low_file is not None:
                low_file.write(packed.low.astype("<i2").tobytes())
            here = slice(start, start + count)
            figures[STEPS, here], figures[ERRORS, here] = packed.steps, packed.errors
            figures[SUMS, here] = packed.high.sum(axis=1, dtype=np.int32)
    (folder / FIGURES).write_bytes((figures if low else figures[:ERRORS]).tobytes())


def _of_index(old: IndexFolder, rows: NDArray[np.int64]) -> Packed:
    vectors = old.vectors
    high = from_panels(vectors.high, rows, vectors.dim)
    steps = vectors.figures[STEPS, rows]
    if vectors.low is None:
        return Packed(high, np.zeros(high.shape, np.int16), steps, np.zeros_like(steps))
    return Packed(high, vectors.low[rows], steps, vectors.figures[ERRORS, rows])


def _merged(new: Packed, old: Packed, is_new: NDArray[np.bool_]) -> Packed:
    def merge(name: str) -> NDArray[np.generic]:
        some, others = getattr(new, name), getattr(old, name)
        found = np.empty((len(is_new), *some.shape[1:]), some.dtype)
        found[is_new], found[~is_new] = some, others
        return found

    return Packed(*(merge(name) for name in ("high", "low", "steps", "errors")))  # type: ignore[arg-type]
