"""What a bulk run has done so far, in a SQLite file that survives the process, the machine's power, and impatience.

It also knows the row of every text seen, so that equal texts are encoded once however far apart they stand, in memory
that doesn't grow with their number.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.bulk.parts import Part
from biolord_onnx.errors import InputError

MEMORY = ":memory:"
# BLAKE2b of 16 bytes: two of 10^12 texts share one with a probability of 10^-15.
_DIGEST_BYTES = 16
_CACHE_KIB = 32 * 1024
_SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS progress (rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS seen (digest BLOB PRIMARY KEY, row INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS truncated (row INTEGER PRIMARY KEY);
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What must be the same for a run to go on where another one stopped.

    Attributes:
        fields: (name, value) of all that decides about the vectors.
    """

    fields: tuple[tuple[str, str], ...]


class Journal:
    """The journal of one output. Commits happen in `commit` alone, so that a killed process leaves whole steps."""

    def __init__(self, place: Path | str, output: str) -> None:
        """Open or create a journal.

        Args:
            place: the file, or `MEMORY` for a run that is too short to keep anything.
            output: what the run writes, for messages.

        Raises:
            InputError: another process holds the journal, or the file is no journal.
        """
        self._place = place
        self._output = output
        self._base = sqlite3.connect(place, timeout=0, isolation_level=None)
        try:
            # Held until the journal is closed: two runs that write one file would mix their rows.
            self._base.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._base.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            self._base.execute("BEGIN EXCLUSIVE")
            for statement in _SCHEMA.split(";"):
                self._base.execute(statement)
            self._base.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self._base.close()
            raise _unusable(place, output, error) from error

    def begin(self, identity: Identity) -> int:
        """Start, or go on.

        Returns:
            How many rows are done.

        Raises:
            InputError: the interrupted run was another one.
        """
        known = dict(self._base.execute("SELECT name, value FROM identity"))
        self._base.execute("BEGIN")
        if not known:
            self._base.executemany("INSERT INTO identity VALUES (?, ?)", identity.fields)
            self._base.execute("INSERT INTO progress VALUES (0)")
            self._base.execute("COMMIT")
            self._base.execute("BEGIN")
            return 0
        (done,) = self._base.execute("SELECT rows FROM progress").fetchone()
        for name, value in identity.fields:
            if known.get(name) != value:
                raise InputError(
                    f"{self._output}: {done} rows of an interrupted run are there, but its {name} was "
                    f"{known.get(name)}, and is {value} now: run it as it was to go on, or start anew with --restart"
                )
        return int(done)

    def part(self, texts: list[str], start: int) -> Part:
        """Note texts as seen, and tell the new ones from the repeated ones.

        Args:
            texts: of consecutive rows, which may be noted already.
            start: number of the first row.
        """
        new, rows, copies, originals = [], [], [], []
        for row, text in enumerate(texts, start=start):
            first = self._first_row(text, row)
            if first == row:
                new.append(text)
                rows.append(row)
            else:
                copies.append(row)
                originals.append(first)
        return Part(start, start + len(texts), new, *(np.array(some, np.int64) for some in (rows, copies, originals)))

    def commit(self, part: Part, truncated: NDArray[np.bool_]) -> None:
        """Note a part as done, once its vectors are on the disk.

        Args:
            part: follows the last one.
            truncated: bool [m], which of its new texts were cut.
        """
        add = "INSERT INTO truncated VALUES (?)"
        self._base.executemany(add, ((row,) for row in part.rows[truncated].tolist()))
        for copy, original in zip(part.copies.tolist(), part.originals.tolist(), strict=True):
            if self._is_truncated(original):
                self._base.execute(add, (copy,))
        self._base.execute("UPDATE progress SET rows = ?", (part.stop,))
        self._base.execute("COMMIT")
        self._base.execute("BEGIN")

    def count_truncated(self) -> int:
        """Return how many rows hold a text that was cut."""
        (count,) = self._base.execute("SELECT COUNT(*) FROM truncated").fetchone()
        return int(count)

    def close(self) -> None:
        """Give the journal free; what isn't committed is forgotten."""
        self._base.close()

    def _first_row(self, text: str, row: int) -> int:
        digest = hashlib.blake2b(text.encode(), digest_size=_DIGEST_BYTES).digest()
        if self._base.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (digest, row)).rowcount:
            return row
        (first,) = self._base.execute("SELECT row FROM seen WHERE digest = ?", (digest,)).fetchone()
        return int(first)

    def _is_truncated(self, row: int) -> bool:
        return self._base.execute("SELECT 1 FROM truncated WHERE row = ?", (row,)).fetchone() is not None


def refuse_held(place: Path, output: str) -> None:
    """Make sure that no process holds a journal which is going to be removed; whether it is one doesn't matter.

    Raises:
        InputError: another process is writing the output.
    """
    base = sqlite3.connect(place, timeout=0, isolation_level=None)
    try:
        base.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        if _is_held(error):
            raise _unusable(place, output, error) from error
    finally:
        base.close()


def _is_held(error: sqlite3.DatabaseError) -> bool:
    return "locked" in str(error)


def _unusable(place: Path | str, output: str, error: sqlite3.DatabaseError) -> InputError:
    if _is_held(error):
        return InputError(f"another process is writing {output}: wait for it, or choose another output")
    return InputError(f"{place} is not the journal of an interrupted run ({error}): remove it, or use --restart")


def remove(places: Iterable[Path]) -> None:
    """Remove files that a run has left, where they exist."""
    for place in places:
        place.unlink(missing_ok=True)
