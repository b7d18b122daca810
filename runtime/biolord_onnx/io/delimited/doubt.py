"""Cells of which only their author can tell whether quotes belong to them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from biolord_onnx.errors import InputError
from biolord_onnx.io.delimited.dialects import Dialect

OPENS = frozenset('" ')
"""Signs that doubtful cells begin with: a quick test before the slow one."""
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Doubt:
    """A kind of such cells.

    Attributes:
        cell: Matches them.
        advice: What a user who has them can do.
    """

    cell: re.Pattern[str]
    advice: str

    def refuse(self, place: str, cell: str) -> None:
        """Refuse a cell if it is one.

        Raises:
            InputError: It is.
        """
        if self.cell.fullmatch(cell):
            raise InputError(f"{place}: the cell {cell[:_SHOWN]} stands in quotes: {self.advice}")


_SAY = "say --quoting none if quotes belong to texts, --quoting csv if they only enclose cells"
# Quotes as CSV writes them: those inside are doubled.
_ENCLOSED = Doubt(re.compile(r' *"(?:[^"]|"")*" *'), _SAY)
# In a table of one column, what a quote opens may go on in the next line.
_OPENED = Doubt(re.compile(r' *".*'), _SAY)
# For a reader of CSV, a space before them makes quotes characters; their author likely meant otherwise.
_BEHIND_SPACES = Doubt(
    re.compile(r' +"(?:[^"]|"")*" *'),
    "remove the space before the quotes, or say --quoting csv if both belong to the text",
)


def find_doubt(dialect: Dialect, *, quotes: bool, one_column: bool) -> Doubt | None:
    """Return which cells of a table are doubtful.

    Args:
        dialect: Of the table.
        quotes: Whether quotes enclose its cells.
        one_column: Whether it has no more.
    """
    if dialect.quoting is not None:
        return None
    if quotes:
        return _BEHIND_SPACES
    return _OPENED if one_column else _ENCLOSED
