"""The tables of an index, written as names are read: names, codes, columns that are kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from biolord_onnx.errors import InputError
from biolord_onnx.index.building.given import GivenVectors
from biolord_onnx.index.building.vocabulary import Name, Names
from biolord_onnx.index.files import CODES, NAMES, column_name
from biolord_onnx.index.manifest import KeptColumn
from biolord_onnx.index.tables.column import ColumnWriter
from biolord_onnx.index.tables.names import HashWriter
from biolord_onnx.index.tables.strings import StringsWriter

_DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True)
class Tables:
    """What was written.

    Attributes:
        rows: How many names.
        codes: How many different codes; None where names have none.
        shared: Codes with several names.
        repeated: Names that were left out, as the same had come before with the same code and columns.
        columns: That are kept.
    """

    rows: int
    codes: int | None
    shared: int
    repeated: int
    columns: tuple[KeptColumn, ...]


def write_tables(names: Names, folder: Path, given: GivenVectors) -> Tables:
    """Read all names, and write the tables.

    Args:
        names: Not read so far.
        folder: Empty.
        given: Takes vectors that come with names.

    Raises:
        InputError: There are none, some have codes and others none, or one can't be read.
    """
    with StringsWriter(folder, NAMES) as texts:
        writer = _Writer(names, folder, texts, given)
        for name in names.read():
            writer.add(name)
        return writer.close()


class _Writer:
    def __init__(self, names: Names, folder: Path, texts: StringsWriter, given: GivenVectors) -> None:
        self._source = names
        self._given = given
        self._folder = folder
        self._texts = texts
        self._hashes = HashWriter(folder, NAMES)
        self._codes = ColumnWriter(folder, CODES)
        self._columns = [ColumnWriter(folder, column_name(number)) for number in range(len(names.columns))]
        self._seen: set[bytes] = set()
        self._coded = names.coded
        self._rows = self._repeated = 0

    def add(self, name: Name) -> None:
        self._check(name)
        parts = "".join(f"{len(part)} {part}" for part in (name.code or "", name.text, *name.kept))
        digest = hashlib.blake2b(parts.encode(), digest_size=_DIGEST_BYTES).digest()
        if digest in self._seen:
            self._repeated += 1
            return
        self._seen.add(digest)
        self._given.add(name)
        self._texts.add(name.text)
        self._hashes.add(name.text)
        if name.code is not None:
            self._codes.add(name.code)
        for writer, value in zip(self._columns, name.kept, strict=True):
            writer.add(value)
        self._rows += 1

    def close(self) -> Tables:
        if not self._rows:
            left = f": all {self._source.filtered} rows were left out by --where" if self._source.filtered else ""
            raise InputError(f"there are no names to index{left}")
        self._texts.close()
        self._hashes.close()
        kept = zip(self._source.columns, self._columns, strict=True)
        columns = tuple(KeptColumn(name, writer.close()) for name, writer in kept)
        if not self._coded:
            return Tables(self._rows, None, 0, self._repeated, columns)
        codes = self._codes.close(with_rows=True)
        return Tables(self._rows, codes, self._codes.shared(), self._repeated, columns)

    def _check(self, name: Name) -> None:
        if self._coded is None:
            self._coded = name.code is not None
        if self._coded is not (name.code is not None):
            found, before = ("no code", "have codes") if name.code is None else (f"code {name.code!r}", "have none")
            raise InputError(f"the name {name.text!r} has {found}, those before {before}: give all a code, or none")
