"""The first row of every text, in bounded memory: equal texts are encoded once, however far apart they stand."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.bulk.hidden import create
from biolord_onnx.bulk.parts import Part
from biolord_onnx.encoding.texts import Inputs, TextPair

# BLAKE2b of 16 bytes: two of 10^12 texts share one with a probability of 10^-15.
_DIGEST_BYTES = 16
_CACHE_KIB = 32 * 1024
# What a different text takes: its digest and row, in pages that are two thirds full.
BYTES_A_TEXT = 48


class Seen:
    """Texts seen by one run: in memory, or where they are many, in a file without a name that ends with the process."""

    def __init__(self, place: Path | None) -> None:
        """Begin with none.

        Args:
            place: Where the file has its name for a moment; nothing may be there. None to keep all in memory.

        Raises:
            OSError: The file can't be made.
        """
        self._place = place
        if place is not None:
            create(place).close()
        try:
            self._base = sqlite3.connect(":memory:" if place is None else place, isolation_level=None)
            # Nothing of it is ever read by another run.
            for setting in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}"):
                self._base.execute(f"PRAGMA {setting}").fetchall()
            with self._naming():
                self._base.execute("CREATE TABLE seen (digest BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID")
                self._base.execute("CREATE TABLE truncated (row INTEGER PRIMARY KEY)")
        finally:
            if place is not None:
                place.unlink(missing_ok=True)
        self._base.execute("BEGIN")

    def part(self, texts: Inputs, start: int) -> Part:
        """Note texts as seen, and tell the new ones from the repeated ones.

        Args:
            texts: Or pairs of the rows behind those of the last call.
            start: Number of the first row.

        Raises:
            OSError: The disk is full.
        """
        new, rows, copies, originals = [], [], [], []
        with self._naming():
            for row, text in enumerate(texts, start=start):
                first = self._first_row(text, row)
                if first == row:
                    new.append(text)
                    rows.append(row)
                else:
                    copies.append(row)
                    originals.append(first)
        return Part(start, start + len(texts), new, *(np.array(some, np.int64) for some in (rows, copies, originals)))

    def truncated(self, part: Part, new: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Note which new texts of a part were cut, and tell which rows hold a text that was.

        Args:
            part: Follows the last one.
            new: bool [m], for each of its new texts.

        Returns:
            bool [stop - start], for each of its rows.
        """
        rows = np.zeros(part.stop - part.start, np.bool_)
        rows[part.rows - part.start] = new
        with self._naming():
            add = "INSERT INTO truncated VALUES (?)"
            self._base.executemany(add, ((row,) for row in part.rows[new].tolist()))
            for copy, original in zip(part.copies.tolist(), part.originals.tolist(), strict=True):
                rows[copy - part.start] = self._is_truncated(original)
        return rows

    def close(self) -> None:
        """Forget all."""
        self._base.close()

    def _first_row(self, text: str | TextPair, row: int) -> int:
        digest = hashlib.blake2b(_bytes(text), digest_size=_DIGEST_BYTES).digest()
        if self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, row)).rowcount:
            return row
        (first,) = self._base.execute("SELECT row FROM seen WHERE digest = ?", (digest,)).fetchone()
        return int(first)

    def _is_truncated(self, row: int) -> bool:
        return self._base.execute("SELECT 1 FROM truncated WHERE row = ?", (row,)).fetchone() is not None

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise OSError(None, str(error), str(self._place)) from error


def _bytes(text: str | TextPair) -> bytes:
    """Return what tells a text, or a pair, from all others."""
    if isinstance(text, str):
        return text.encode()
    one, other = (part.encode() for part in text)
    return len(one).to_bytes(8, "little") + one + other
