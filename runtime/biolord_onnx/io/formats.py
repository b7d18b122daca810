"""What can be read. A format is a row of the table below; what reads it is imported once a file of it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from biolord_onnx.errors import InputError
from biolord_onnx.io.delimited.dialects import Dialect
from biolord_onnx.io.rows import GZIP_ENDING, Columns, Layout, Row

Reader = Callable[[str, str, Columns], Iterator[Row]]
LINES, CSV, PARQUET = "lines", "csv", "parquet"
# Files that have structure and were never meant as a text a line.
_NOT_LINES = {
    ".json": "write an object a line, and let its name end in .jsonl",
    ".xml": "write a text a line",
    ".html": "write a text a line",
    ".xlsx": "save the sheet as .csv",
    ".xls": "save the sheet as .csv",
    ".ods": "save the sheet as .csv",
    ".arrow": "write it as .parquet",
    ".feather": "write it as .parquet",
    ".orc": "write it as .parquet",
    ".avro": "write it as .parquet",
    ".zst": "decompress it first, or with gzip, which is read as it is",
    ".bz2": "decompress it first, or with gzip, which is read as it is",
    ".xz": "decompress it first, or with gzip, which is read as it is",
    ".lz4": "decompress it first, or with gzip, which is read as it is",
    ".zip": "unpack it first",
    ".7z": "unpack it first",
    ".tar": "unpack it first",
    ".tgz": "unpack it first",
}


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file.

    Attributes:
        endings: Of names that say so.
        reader: Imports what yields the rows of a source, called by a name in messages.
        dialect: Of a table of text.
    """

    endings: tuple[str, ...]
    reader: Callable[[], Reader]
    dialect: Dialect | None = None


def _lines() -> Reader:
    from biolord_onnx.io.lines import read_lines

    return read_lines


def _json_lines() -> Reader:
    from biolord_onnx.io.json_lines import read_json_lines

    return read_json_lines


def _parquet() -> Reader:
    from biolord_onnx.io.parquet import read_parquet

    return read_parquet


def _table(dialect: Dialect, *endings: str) -> Format:
    def reader() -> Reader:
        from biolord_onnx.io.delimited.tables import read_table

        return partial(read_table, dialect=dialect)

    return Format(endings, reader, dialect)


FORMATS = {
    LINES: Format((), _lines),
    CSV: _table(Dialect(None), ".csv"),
    "tsv": _table(Dialect("\t"), ".tsv", ".tab"),
    "psv": _table(Dialect("|"), ".psv"),
    # UMLS, RxNorm: quotes mean nothing, and a pipe ends the row.
    "rrf": _table(Dialect("|", "none", header=False, ends=True), ".rrf"),
    "jsonl": Format((".jsonl", ".ndjson"), _json_lines),
    PARQUET: Format((".parquet",), _parquet),
}
_BY_ENDING = {ending: name for name, some in FORMATS.items() for ending in some.endings}


def find_format(source: str, name: str, columns: Columns) -> Format:
    """Return the format of a file: what was said, or what its name says.

    Raises:
        InputError: Options are given that it doesn't take.
    """
    layout = columns.layout
    chosen = layout.format or _by_name(source, name, layout)
    found = FORMATS[chosen]
    if chosen == PARQUET and source.lower().endswith(GZIP_ENDING):
        raise InputError(f"{name} is Parquet, which is compressed inside: decompress the file first")
    if found.dialect is None:
        _refuse_dialect(name, chosen, columns)
    if chosen == LINES:
        _refuse_columns(name, columns)
    return found


def table_dialect(source: str, name: str, layout: Layout) -> Dialect:
    """Return how the cells of a table of text are told apart.

    Raises:
        InputError: The file is no such table.
    """
    found = find_format(source, name, Columns(layout=layout))
    if found.dialect is None or not found.dialect.header:
        endings = (some.endings[0] for some in FORMATS.values() if some.dialect and some.dialect.header)
        raise InputError(f"{name} is no table of text with a header: let its name end in {' or '.join(endings)}")
    return found.dialect.changed(layout)


def refuse_structure(source: str, name: str) -> None:
    """Refuse what is read as something else than a text a line.

    Raises:
        InputError: The name says so, or it is a folder.
    """
    if find_format(source, name, Columns()) is not FORMATS[LINES]:
        raise InputError(f"{name} is a table: give its texts, one per line, as .txt")


def _by_name(source: str, name: str, layout: Layout) -> str:
    path = Path(source)
    if path.is_dir():
        return PARQUET
    if path.suffix.lower() == GZIP_ENDING:
        path = path.with_suffix("")
    ending = path.suffix.lower()
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if layout != Layout():
        return CSV
    if ending in _NOT_LINES:
        raise InputError(f"{name} ends in {ending} and is no text a line: {_NOT_LINES[ending]}")
    return LINES


def _refuse_dialect(name: str, chosen: str, columns: Columns) -> None:
    layout = columns.layout
    given = {"--delimiter": layout.delimiter, "--quoting": layout.quoting, "--no-header": layout.header}
    for option, value in given.items():
        if value is not None:
            raise InputError(
                f"{name} is read as {chosen}, which has no {option}: leave it out, or say {columns.options.format} csv"
            )


def _refuse_columns(name: str, columns: Columns) -> None:
    options = columns.options
    named = (
        (options.text, columns.text),
        (options.id, columns.id),
        *((options.more, column) for column in columns.more),
    )
    for option, column in named:
        if column is not None:
            raise InputError(
                f"{name} is read as lines and has no columns: leave {option} out, or say with {options.format} what it "
                f"is, or let its name end in {', '.join(_BY_ENDING)}"
            )
