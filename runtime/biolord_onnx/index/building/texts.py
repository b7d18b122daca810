"""The texts of an index that is built: which of them another index has vectors of, and the source of the others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.bulk.reading import Row
from biolord_onnx.bulk.source import Source, survey
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.index.building.tables import Tables
from biolord_onnx.index.building.template import Template
from biolord_onnx.index.files import NAMES, column_name
from biolord_onnx.index.folder import IndexFolder
from biolord_onnx.index.manifest import REMEDY
from biolord_onnx.index.tables.column import Column
from biolord_onnx.index.tables.strings import Strings

# Of a thousand codes with one name it is looked for once.
_REMEMBERED = 65_536


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts that names stand for.

    Attributes:
        names: Of the index.
        columns: Names of those that are kept.
        values: Of these columns.
        template: How texts are made.
    """

    names: Strings
    columns: tuple[str, ...]
    values: tuple[Column, ...]
    template: Template | None

    @classmethod
    def of_tables(cls, folder: Path, tables: Tables, template: Template | None) -> Texts:
        """Read tables that were just written."""
        columns = tuple(
            Column(folder, column_name(number), tables.rows, column.values)
            for number, column in enumerate(tables.columns)
        )
        return cls(
            Strings(folder, NAMES, tables.rows), tuple(column.name for column in tables.columns), columns, template
        )

    @classmethod
    def of_index(cls, index: IndexFolder) -> Texts:
        """Read those of an index.

        Raises:
            ArtifactError: Its template is none, or of columns that aren't there.
        """
        source = index.manifest.template
        try:
            template = None if source is None else Template.parse(source)
        except InputError as error:
            raise ArtifactError(f"{index.path}: {error}; {REMEDY}") from error
        if template is not None and not set(template.columns) <= index.columns.keys():
            raise ArtifactError(f"{index.path}: its template has columns that it doesn't keep: {REMEDY}")
        return cls(index.names.texts, tuple(index.columns), tuple(index.columns.values()), template)

    def text(self, row: int) -> str:
        """Return what was or is to be embedded for a row."""
        name = self.names[row]
        if self.template is None:
            return name
        return self.template.fill(name, self.columns, [column[row] for column in self.values])

    def source(self, rows: NDArray[np.int64]) -> Source:
        """Return the texts of some rows as what bulk embedding reads."""

        def read() -> Iterator[Row]:
            return (Row(self.text(int(row))) for row in rows)

        return survey("the names", read)


def known_rows(texts: Texts, old: IndexFolder | None) -> NDArray[np.int64]:
    """Find texts in another index.

    Args:
        texts: That are looked for.
        old: The other index; None for none.

    Returns:
        int64 [rows], for each text the row there, -1 for those that aren't there.
    """
    found = np.full(len(texts.names), -1, np.int64)
    if old is None:
        return found
    others, names = Texts.of_index(old), old.names

    @lru_cache(_REMEMBERED)
    def row_of(name: str, text: str) -> int:
        same = (other for other in names.equal_to(name) if others.text(other) == text)
        return next(same, -1)

    for row, name in enumerate(texts.names):
        found[row] = row_of(name, texts.text(row))
    return found
