"""What links can be written as. A form is a row of the table below and a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import BinaryIO

from biolord_onnx.errors import InputError
from biolord_onnx.link.formats import json_lines, parquet, sssom, tables, usagi
from biolord_onnx.link.links import Link, Sheet

Codes = Iterable[str] | None


@dataclass(frozen=True, slots=True)
class Format:
    """How a file is made of links.

    Attributes:
        check: Refuses, before anything is searched, what could not be written in the end: what is known about all
            links, and the different codes of the index, None if it has none.
        write: Writes all.
        endings: Of names that say so.
        options: Of the command line, that mean something here and not everywhere.
        needs_pyarrow: Of the extra parquet.
    """

    check: Callable[[Sheet, Codes], object]
    write: Callable[[BinaryIO, Sheet, Iterable[Link]], None]
    endings: tuple[str, ...]
    options: tuple[str, ...] = ()
    needs_pyarrow: bool = False


_TABLE = ("no_match",)
FORMATS = {
    # Longer endings stand before those that end them.
    "sssom": Format(sssom.check, sssom.write_sssom, (".sssom.tsv",), sssom.OPTIONS),
    "usagi": Format(usagi.check, usagi.write_usagi, (".usagi.csv",), usagi.OPTIONS),
    "csv": Format(tables.check, tables.write_csv, (".csv",), _TABLE),
    "jsonl": Format(json_lines.check, json_lines.write_json_lines, (".jsonl", ".ndjson")),
    "parquet": Format(tables.check, parquet.write_parquet, (".parquet",), _TABLE, needs_pyarrow=True),
}


def find_form(output: str) -> str:
    """Return which form a file's name says.

    Args:
        output: The name.

    Returns:
        A name in `FORMATS`.

    Raises:
        InputError: It says none.
    """
    for name, some in FORMATS.items():
        if output.lower().endswith(some.endings):
            return name
    known = ", ".join(ending for some in FORMATS.values() for ending in some.endings)
    raise InputError(f"{output} ends in none of {known}: choose one of them, or say --format {' or '.join(FORMATS)}")
