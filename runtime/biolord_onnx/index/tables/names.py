"""Names by what is left of them without case, width and spaces: whether a query is one of them, letter by letter."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from array import array
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.tables.mapping import mapped
from biolord_onnx.index.tables.strings import REMEDY, Strings

HASHES, ROWS = "hashes", "rows"
# Python orders the marks of a letter in a time that grows with their square, and nobody else runs meanwhile.
_MOST_AT_ONCE = 256
# A byte of a name becomes 6 characters at most (of U+FDFA), and 4 of a query at most become one.
_MOST_CHARACTERS = 24
# Several of them in a row, by their classes.
_MARKS = re.compile(rb"[^\0]{2,}")


def normalize_name(name: str) -> str:
    """Return a name without case, width and superfluous spaces (NFKC, case-folded)."""
    return " ".join(_composed(_composed(name).casefold()).split())


def _composed(text: str) -> str:
    """Return what ``unicodedata.normalize("NFKC", text)`` does, in a time that grows with the length alone."""
    if len(text) <= _MOST_AT_ONCE or text.isascii():
        return unicodedata.normalize("NFKC", text)
    apart = {ord(letter): unicodedata.normalize("NFKD", letter) for letter in set(text)}
    if not any(map(unicodedata.combining, "".join(apart.values()))):
        return unicodedata.normalize("NFKC", text)
    letters = text.translate(apart)
    parts, end = [], 0
    for run in _MARKS.finditer(bytes(map(unicodedata.combining, letters))):
        parts += [letters[end : run.start()], *sorted(letters[run.start() : run.end()], key=unicodedata.combining)]
        end = run.end()
    return unicodedata.normalize("NFC", "".join([*parts, letters[end:]]))


class Names:
    """Names that are mapped."""

    def __init__(self, folder: Path, name: str, rows: int) -> None:
        """Map the files."""
        self.texts = Strings(folder, name, rows)
        self._path = folder / f"{name}.{ROWS}"
        self._hashes: NDArray[np.uint32] = mapped(folder / f"{name}.{HASHES}", "<u4", (rows,))
        self._rows: NDArray[np.int32] = mapped(folder / f"{name}.{ROWS}", "<i4", (rows,))

    def equal_to(self, name: str) -> list[int]:
        """Return the rows of all names that are equal to one but for case, width and spaces, in order.

        Raises:
            ArtifactError: A file holds something else than was written.
        """
        if len(name) > _MOST_AT_ONCE and len(" ".join(name.split())) > _MOST_CHARACTERS * self._longest:
            return []
        wanted = normalize_name(name)
        hashed = np.uint32(_hash(wanted))
        start, stop = (int(self._hashes.searchsorted(hashed, side)) for side in ("left", "right"))
        rows = sorted(int(row) for row in self._rows[start:stop])
        if rows and not 0 <= rows[0] <= rows[-1] < len(self.texts):
            raise ArtifactError(f"{self._path} is damaged, it names rows that aren't there: {REMEDY}")
        return [row for row in rows if normalize_name(self.texts[row]) == wanted]

    @cached_property
    def _longest(self) -> int:
        return self.texts.longest()


class HashWriter:
    """Writes what finds names."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin with no name."""
        self._folder = folder
        self._name = name
        self._hashes = array("I")

    def add(self, name: str) -> None:
        """Append a name."""
        self._hashes.append(_hash(normalize_name(name)))

    def close(self) -> None:
        """Write the files."""
        hashes = np.array(self._hashes)
        rows = hashes.argsort(kind="stable").astype("<i4")
        (self._folder / f"{self._name}.{HASHES}").write_bytes(hashes[rows].astype("<u4").tobytes())
        (self._folder / f"{self._name}.{ROWS}").write_bytes(rows.tobytes())


def _hash(normalized: str) -> int:
    return int.from_bytes(hashlib.blake2b(normalized.encode(), digest_size=4).digest(), "little")
