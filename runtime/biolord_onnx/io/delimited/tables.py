"""Records of tables of text, checked: every row has as many cells as the first, and no quote can be meant otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from biolord_onnx.errors import InputError
from biolord_onnx.io.choosing import choose
from biolord_onnx.io.delimited.dialects import Dialect, delimiter_name, detect_delimiter
from biolord_onnx.io.delimited.doubt import OPENS, Doubt, find_doubt
from biolord_onnx.io.delimited.quoted import quoted_records
from biolord_onnx.io.delimited.rrf import column_names
from biolord_onnx.io.delimited.shape import Record, Shape
from biolord_onnx.io.lines import decoded, without_ends
from biolord_onnx.io.rows import BlankLines, Columns, Empty, Row, is_blank

# How databases write that there is no value, where they write text.
_NULL = "\\N"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that is being read.

    Attributes:
        name: For messages.
        columns: Their names, or numbers from 0.
        numbered: Whether there is no header.
        records: The line on which each row begins, from 1, and its cells: one for each column, one more where a
            delimiter ends the row.
        doubt: Which cells are refused, for it can't be told whether quotes belong to them; None where it was said.
        hint: What may be wrong if a column isn't there.
    """

    name: str
    columns: list[str]
    numbered: bool
    records: Iterator[Record]
    doubt: Doubt | None
    hint: str

    def find(self, column: str | None, option: str) -> int:
        """Return where a column stands; without a header it may be called by its number, too.

        Raises:
            InputError: It isn't there, or several have its name.
        """
        if self.numbered and column is not None and column.isdecimal() and int(column) < len(self.columns):
            return int(column)
        return choose(self.name, column, self.columns, option, self.hint)

    def check(self, line: int, cell: str) -> str:
        """Return a cell, unless it can't be told whether quotes belong to it.

        Raises:
            InputError: That.
        """
        if cell[:1] in OPENS and self.doubt is not None:
            self.doubt.refuse(f"{self.name}, line {line}", cell)
        return cell


def open_table(source: str, name: str, dialect: Dialect, empty: Empty) -> Table | None:
    """Open a table.

    Args:
        source: Path of a file, or ``-`` for standard input.
        name: What messages call it.
        dialect: How cells are told apart.
        empty: What becomes of blank lines between rows.

    Returns:
        The table; None if there is no header that could be missed, and no row.

    Raises:
        InputError: There is no header.
        OSError: The file can't be read.
    """
    whole_lines = decoded(source, name)
    begin = next(whole_lines, "")
    delimiter = dialect.delimiter or detect_delimiter(begin, name)
    quotes = dialect.quotes(delimiter)
    records = _records(chain((begin,) if begin else (), whole_lines), name, delimiter, dialect)
    first = next(records, None)
    if first is None:
        if dialect.header:
            raise InputError(f"{name} is empty, expected a line that names its columns")
        return None
    if (dialect.header or len(first[1]) == 1) and is_blank("".join(first[1])):
        expected = "the names of the columns" if dialect.header else "a row"
        raise InputError(f"{name}, line 1 is blank, expected {expected}")
    width = len(first[1])
    ends = dialect.ends and first[1][-1] == ""
    count = width - 1 if ends else width
    rows = records if dialect.header else chain((first,), records)
    return Table(
        name,
        first[1] if dialect.header else column_names(name, count),
        not dialect.header,
        Shape(name, delimiter, width, quotes=quotes, ends=ends).checked(rows, BlankLines(name, empty)),
        find_doubt(dialect, quotes=quotes, one_column=count == 1),
        _hint(dialect, delimiter),
    )


def read_table(source: str, name: str, columns: Columns, dialect: Dialect) -> Iterator[Row]:
    """Read the rows of a table; arguments and errors are those of `biolord_onnx.bulk.reading.read_rows`."""
    table = open_table(source, name, dialect.changed(columns.layout), columns.empty)
    if table is None:
        return
    text_at = table.find(columns.text, columns.options.text)
    id_at = None if columns.id is None else table.find(columns.id, columns.options.id)
    more_at = [table.find(column, columns.options.more) for column in columns.more]
    for number, (line, cells) in enumerate(table.records, start=1):
        text = table.check(line, cells[text_at])
        known_by = None if id_at is None else table.check(line, cells[id_at])
        missing = columns.text if _is_empty(text) else None
        if known_by is not None and _is_empty(known_by):
            missing = missing or columns.id
        if missing is None or columns.empty.keeps(f"{name}, line {line}", f"column {missing!r}"):
            yield Row(text, known_by, number, tuple(_value(table.check(line, cells[at])) for at in more_at))


def _value(cell: str) -> str:
    return "" if cell == _NULL else cell


def _is_empty(cell: str) -> bool:
    return is_blank(cell) or cell == _NULL


def _records(whole_lines: Iterable[str], name: str, delimiter: str, dialect: Dialect) -> Iterator[Record]:
    if dialect.quotes(delimiter):
        return quoted_records(whole_lines, name, delimiter, trusted=dialect.quoting == "csv")
    return ((line, text.split(delimiter)) for line, text in enumerate(without_ends(whole_lines, name), start=1))


def _hint(dialect: Dialect, delimiter: str) -> str:
    if not dialect.header:
        return " (columns are numbered from 0)"
    quoting = "csv" if dialect.quotes(delimiter) else "none"
    return f" (read with --delimiter {delimiter_name(delimiter)} --quoting {quoting})"
