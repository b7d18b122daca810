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
    options = columns.options
    text, known_by = _Member(columns.text, options.text), _Member(columns.id, options.id)
    more = [_Member(column, options.more) for column in columns.more]
    number = 0
    for line, content in enumerate(lines(source, name), start=1):
        if not content or content.isspace():
            blank.note(line)
            continue
        blank.settle()
        number += 1
        place = f"{name}, line {line}"
        members = _parse(content, place)
        strict = columns.text is None or columns.empty.policy == "refuse"
        value = text.of(members, place, strict=strict)
        key = None if columns.id is None else known_by.of(members, place, strict=strict)
        others = [member.of(members, place, strict=False) for member in more]
        row = as_row(value, key, place, columns, number, others)
        if row is not None:
            yield row
    if number:
        for member in (text, known_by, *more):
            member.check(name)


class _Member:
    """A member that objects may lack where empty rows aren't refused, for Spark leaves nulls out; one must have it."""

    def __init__(self, column: str | None, option: str) -> None:
        self._column = column
        self._option = option
        self._seen = False
        self._others: list[str] = []

    def of(self, members: dict[str, object], place: str, *, strict: bool) -> object:
        """Return an object's member, None if it lacks it."""
        if self._column is not None and self._column in members:
            self._seen = True
            return members[self._column]
        self._others = list(members)
        if strict:
            choose(place, self._column, self._others, self._option)
        return None

    def check(self, name: str) -> None:
        """Refuse a file no object of which had the member."""
        if self._column is not None and not self._seen:
            choose(name, self._column, self._others, self._option)


def _parse(content: str, place: str) -> dict[str, object]:
    try:
        row = _DECODER.decode(content)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: not JSON ({error}), expected one object per line: fix the line") from error
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
