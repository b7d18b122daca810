"""Many texts in two files: their UTF-8 one behind the other, and where each begins."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO, Self, overload

import numpy as np

from biolord_onnx.errors import ArtifactError
from biolord_onnx.index.tables.mapping import mapped

REMEDY = "copy the index again, or build it again"
TEXTS, OFFSETS = "texts", "offsets"
# Offsets are of 4 bytes where they fit.
_LARGEST_SHORT = 2**32 - 1


class Strings(Sequence[str]):
    """Texts that are mapped: only those asked for are read."""

    def __init__(self, folder: Path, name: str, count: int) -> None:
        """Map the files of a table.

        Args:
            folder: That holds them.
            name: Both begin with.
            count: How many texts there are.
        """
        texts, offsets = folder / f"{name}.{TEXTS}", folder / f"{name}.{OFFSETS}"
        size = texts.stat().st_size
        self._count = count
        self._path = texts
        self._offsets = mapped(offsets, _offset_type(size), (count + 1,))
        self._texts = mapped(texts, np.uint8, (size,))

    def __len__(self) -> int:
        """Return how many there are."""
        return self._count

    @overload
    def __getitem__(self, at: int) -> str: ...

    @overload
    def __getitem__(self, at: slice) -> list[str]: ...

    def __getitem__(self, at: int | slice) -> str | list[str]:
        """Read one text, or several.

        Raises:
            ArtifactError: A file holds something else than was written.
        """
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(self._count))]
        encoded = self.encoded(at)
        try:
            return encoded.decode()
        except UnicodeDecodeError as error:
            raise self._damaged(at) from error

    def encoded(self, at: int) -> bytes:
        """Return the UTF-8 of a text.

        Raises:
            IndexError: There is no such text.
            ArtifactError: A file holds something else than was written.
        """
        if not 0 <= at < self._count:
            raise IndexError(at)
        start, stop = int(self._offsets[at]), int(self._offsets[at + 1])
        if not start <= stop <= len(self._texts):
            raise self._damaged(at)
        return self._texts[start:stop].tobytes()

    def _damaged(self, at: int) -> ArtifactError:
        return ArtifactError(f"{self._path} or its offsets are damaged, text {at} can't be read: {REMEDY}")

    def longest(self) -> int:
        """Return how many bytes the longest text has."""
        return int((self._offsets[1:] - self._offsets[:-1]).max(initial=0))

    def find(self, text: str) -> int | None:
        """Return where a text stands among sorted ones, None if it isn't there."""
        wanted = text.encode(errors="surrogatepass")  # of half a character there is no text, and so none is found
        at = bisect_left(range(self._count), wanted, key=self.encoded)
        return at if at < self._count and self.encoded(at) == wanted else None


class StringsWriter:
    """Writes the files of a table; as a context it leaves no file open, whatever happens."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin with no text."""
        self._offsets_path = folder / f"{name}.{OFFSETS}"
        self._texts: BinaryIO = (folder / f"{name}.{TEXTS}").open("xb")
        self._offsets = array("Q", [0])

    def add(self, text: str) -> None:
        """Append a text."""
        self._offsets.append(self._offsets[-1] + self._texts.write(text.encode()))

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file of the texts."""
        self._texts.close()

    def close(self) -> None:
        """Write what is left."""
        self._texts.close()
        offsets = np.frombuffer(self._offsets, np.uint64)
        self._offsets_path.write_bytes(offsets.astype(_offset_type(self._offsets[-1])).tobytes())


def write_strings(folder: Path, name: str, texts: Iterable[str]) -> None:
    """Write a table at once."""
    with StringsWriter(folder, name) as writer:
        for text in texts:
            writer.add(text)
        writer.close()


def _offset_type(size: int) -> np.dtype[np.generic]:
    return np.dtype("<u4" if size <= _LARGEST_SHORT else "<u8")
