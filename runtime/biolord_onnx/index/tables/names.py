"""Names by what is left of them without case, width and spaces: whether a query is one of them, letter by letter."""

from __future__ import annotations

import hashlib
import unicodedata
from array import array
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.index.tables.mapping import mapped
from biolord_onnx.index.tables.strings import Strings

HASHES, ROWS = "hashes", "rows"


def normalize_name(name: str) -> str:
    """Return a name without case, width and superfluous spaces (NFKC, case-folded)."""
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold()).split())


class Names:
    """Names that are mapped."""

    def __init__(self, folder: Path, name: str, rows: int) -> None:
        """Map the files."""
        self.texts = Strings(folder, name, rows)
        self._hashes: NDArray[np.uint32] = mapped(folder / f"{name}.{HASHES}", "<u4", (rows,))
        self._rows: NDArray[np.int32] = mapped(folder / f"{name}.{ROWS}", "<i4", (rows,))

    def equal_to(self, name: str) -> list[int]:
        """Return the rows of all names that are equal to one but for case, width and spaces, in order."""
        wanted = normalize_name(name)
        hashed = np.uint32(_hash(wanted))
        start, stop = (int(self._hashes.searchsorted(hashed, side)) for side in ("left", "right"))
        rows = sorted(int(row) for row in self._rows[start:stop])
        return [row for row in rows if normalize_name(self.texts[row]) == wanted]


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
