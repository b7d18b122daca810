"""How a table's cells are told apart: by which sign, and whether quotes enclose them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Layout, Quoting

DELIMITERS = {"tab": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
_NAMES = {sign: name for name, sign in DELIMITERS.items()} | {"\\t": "tab"}
# Spreadsheets and databases that write these quote cells; those that write tabs or pipes mostly don't.
_QUOTED = frozenset(",;")
_IN_QUOTES = re.compile('"[^"]*"')


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are told apart.

    Attributes:
        delimiter: Stands between them; None where the header has to tell.
        quoting: Csv or none; None for what is usual with the delimiter, where cells that may be meant otherwise are
            refused.
        header: Whether the first line names the columns.
        ends: Whether a delimiter stands behind the last cell, too.
    """

    delimiter: str | None
    quoting: Quoting | None = None
    header: bool = True
    ends: bool = False

    def changed(self, layout: Layout) -> Dialect:
        """Return the dialect with what was said about a file."""
        return Dialect(
            layout.delimiter or self.delimiter,
            layout.quoting or self.quoting,
            self.header if layout.header is None else layout.header,
            self.ends,
        )

    def quotes(self, delimiter: str) -> bool:
        """Whether quotes enclose cells."""
        return self.quoting == "csv" or (self.quoting is None and delimiter in _QUOTED)


def find_delimiter(given: str) -> str:
    """Return a delimiter by its name or as itself.

    Raises:
        InputError: There is no such one.
    """
    name = _NAMES.get(given, given)
    if name not in DELIMITERS:
        raise InputError(f"--delimiter is {given!r}, expected {', '.join(DELIMITERS)}, or the sign itself")
    return DELIMITERS[name]


def detect_delimiter(first: str, name: str) -> str:
    r"""Tell the delimiter by a table's first line.

    Args:
        first: The line, with whatever ends it.
        name: Of the file, for messages.

    Returns:
        The only one that stands outside quotes there; a comma if none does, for then there is one column.

    Raises:
        InputError: Several do.
    """
    bare = _IN_QUOTES.sub("", first.split("\r", 1)[0])
    found = [sign for sign in DELIMITERS.values() if sign in bare]
    if len(found) > 1:
        kinds = " and ".join(_NAMES[sign] for sign in found)
        raise InputError(f"{name}, line 1 holds {kinds}: say with --delimiter which of them stands between cells")
    return found[0] if found else ","


def delimiter_name(delimiter: str) -> str:
    """Return what messages call a delimiter."""
    return _NAMES[delimiter]
