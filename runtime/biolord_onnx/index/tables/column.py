"""A column of few or many different values: a number a row, and the values sorted, each once.

So a filter compares numbers, and a value is found by bisection: neither reads the texts of all rows.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.tables.mapping import mapped
from biolord_onnx.index.tables.strings import REMEDY, Strings, write_strings

NUMBERS, ROWS, STARTS = "numbers", "rows", "starts"

Numbers = NDArray[np.int32]


class Column:
    """A column that is mapped.

    Attributes:
        numbers: int32 [rows], of each row's value.
        values: The different values, sorted by their UTF-8.
    """

    def __init__(self, folder: Path, name: str, rows: int, count: int) -> None:
        """Map the files of a column of ``rows`` rows and ``count`` different values."""
        self.numbers: Numbers = mapped(folder / f"{name}.{NUMBERS}", "<i4", (rows,))
        self.values = Strings(folder, name, count)
        self._path = folder / f"{name}.{NUMBERS}"

    def __getitem__(self, row: int) -> str:
        """Return a row's value.

        Raises:
            ArtifactError: A file holds something else than was written.
        """
        number = int(self.numbers[row])
        if not 0 <= number < len(self.values):
            raise ArtifactError(f"{self._path} is damaged, row {row} has no value: {REMEDY}")
        return self.values[number]

    def mask(self, values: Collection[str]) -> NDArray[np.bool_]:
        """Tell which rows have one of some values; none has one that isn't there."""
        wanted = [found for found in map(self.values.find, values) if found is not None]
        return np.isin(self.numbers, wanted)


class Codes(Column):
    """The column of codes, with the rows of each."""

    def __init__(self, folder: Path, name: str, rows: int, count: int) -> None:
        """Map the files."""
        super().__init__(folder, name, rows, count)
        self._rows: Numbers = mapped(folder / f"{name}.{ROWS}", "<i4", (rows,))
        self._starts: Numbers = mapped(folder / f"{name}.{STARTS}", "<i4", (count + 1,))

    def rows_of(self, code: str) -> list[int]:
        """Return the rows of a code in order, none if it isn't there.

        Raises:
            ArtifactError: A file holds something else than was written.
        """
        at = self.values.find(code)
        if at is None:
            return []
        rows = self._rows[self._starts[at] : self._starts[at + 1]]
        inside = rows.clip(0, len(self.numbers) - 1)
        if not len(rows) or (inside != rows).any() or (self.numbers[inside] != at).any():
            raise ArtifactError(f"{self._path} and the rows of codes don't fit, one of them is damaged: {REMEDY}")
        return [int(row) for row in rows]


class ColumnWriter:
    """Writes the files of a column; its different values are held in memory meanwhile."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin with no row."""
        self._folder = folder
        self._name = name
        self._known: dict[str, int] = {}
        self._numbers = array("i")

    def add(self, value: str) -> None:
        """Append a row."""
        self._numbers.append(self._known.setdefault(value, len(self._known)))

    def close(self, *, with_rows: bool = False) -> int:
        """Write the files.

        Args:
            with_rows: Whether the rows of each value are written, too.

        Returns:
            How many different values there are.
        """
        ordered = sorted(self._known, key=str.encode)
        ranks = np.empty(len(ordered), "<i4")
        ranks[[self._known[value] for value in ordered]] = np.arange(len(ordered))
        numbers = ranks[np.array(self._numbers)]
        self._write(NUMBERS, numbers)
        write_strings(self._folder, self._name, ordered)
        if with_rows:
            self._write(ROWS, numbers.argsort(kind="stable").astype("<i4"))
            starts = np.concatenate([[0], np.bincount(numbers, minlength=len(ordered)).cumsum()])
            self._write(STARTS, starts.astype("<i4"))
        return len(ordered)

    def shared(self) -> int:
        """Return how many values several rows have."""
        return int((np.bincount(np.array(self._numbers)) > 1).sum())

    def _write(self, kind: str, numbers: NDArray[np.int32]) -> None:
        (self._folder / f"{self._name}.{kind}").write_bytes(numbers.tobytes())
