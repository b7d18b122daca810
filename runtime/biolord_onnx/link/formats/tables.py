"""A row for each candidate: the input's columns as they were, and behind them the match. As CSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from biolord_onnx.errors import InputError
from biolord_onnx.link.links import Link, Sheet, shown

# Columns of the input may be called code, name or score; none begins so by chance.
PREFIX = "match_"
_MATCH = ("rank", "code", "name", "score", "exact")
_QUOTED = re.compile(r'[",\r\n]')
_EXACT = ("false", "true")
Cells = list[str | None]


def check(sheet: Sheet, codes: Iterable[str] | None) -> None:  # noqa: ARG001 - of every form
    """Refuse columns of one name.

    Raises:
        InputError: There are some.
    """
    columns(sheet)


def columns(sheet: Sheet) -> list[str]:
    """Return the names of all columns of a table.

    Raises:
        InputError: Two would have the same name.
    """
    names = [] if sheet.id is None else [sheet.id]
    names += [sheet.text, *sheet.kept]
    names += [f"{PREFIX}{name}" for name in (*_MATCH, *sheet.columns)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"the output would have two columns {name!r}: rename one of them in the input or the index"
            )
    return names


def table_rows(sheet: Sheet, links: Iterable[Link]) -> Iterator[Cells]:
    """Yield the cells of rows, None where there is nothing; a term without candidates has a row, too."""
    for link in links:
        known = [] if sheet.id is None else [str(link.row.id)]
        term: Cells = [*known, link.row.text, *link.row.more]
        if not link.hits:
            yield [*term, None, sheet.no_match or None, None, None, None, *(None for _ in sheet.columns)]
        for rank, hit in enumerate(link.hits, start=1):
            kept = (hit.kept[name] for name in sheet.columns)
            yield [*term, str(rank), hit.code, hit.name, shown(hit.score), _EXACT[hit.exact], *kept]


def write_csv(stream: BinaryIO, sheet: Sheet, links: Iterable[Link]) -> None:
    """Write comma-separated values in UTF-8, with a header and quotes where cells need them."""
    stream.write(_line(columns(sheet)))
    stream.writelines(map(_line, table_rows(sheet, links)))


def _line(cells: Iterable[str | None]) -> bytes:
    return (",".join(map(_cell, cells)) + "\n").encode()


def _cell(cell: str | None) -> str:
    # The csv module leaves carriage returns bare where newlines end lines, and then can't read them.
    if cell is None or not _QUOTED.search(cell):
        return cell or ""
    return '"' + cell.replace('"', '""') + '"'
