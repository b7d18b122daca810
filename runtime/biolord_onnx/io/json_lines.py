"""Rows of a .jsonl file, a JSON object each."""

from __future__ import annotations

import json
from collections.abc import Iterator

from biolord_onnx.errors import InputError
from biolord_onnx.io.choosing import choose
from biolord_onnx.io.lines import lines
from biolord_onnx.io.rows import BlankLines, Columns, Row
from biolord_onnx.io.values import as_row


def read_json_lines(source: str, name: str, columns: Columns) -> Iterator[Row]:
    """Read the objects of a file; arguments and errors are those of `biolord_onnx.bulk.reading.read_rows`."""
    blank = BlankLines(name, columns.empty)
    number = 0
    for line, content in enumerate(lines(source, name), start=1):
        if not content or content.isspace():
            blank.note(line)
            continue
        blank.settle()
        number += 1
        row = _read(content, f"{name}, line {line}", columns, number)
        if row is not None:
            yield row


def _read(content: str, place: str, columns: Columns, number: int) -> Row | None:
    members = _parse(content, place)
    text = members[_key(columns.text, members, place, "--column")]
    known_by = None if columns.id is None else members[_key(columns.id, members, place, "--id-column")]
    return as_row(text, known_by, place, columns, number)


def _key(column: str | None, members: dict[str, object], place: str, option: str) -> str:
    if column is not None and column in members:
        return column
    names = list(members)
    return names[choose(place, column, names, option)]


def _parse(content: str, place: str) -> dict[str, object]:
    try:
        row = _DECODER.decode(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({error}), expected one object a line: mend the line") from error
    if not isinstance(row, dict):
        raise InputError(f"{place}: {type(row).__name__}, expected a JSON object")
    return row


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} stands twice in an object")
    return members


# One for all lines: making it takes longer than reading a line.
_DECODER = json.JSONDecoder(object_pairs_hook=_once)
