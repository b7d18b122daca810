"""What a reader is asked for, and what it gives."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from biolord_onnx.errors import InputError

STDIN = "-"
GZIP_ENDING = ".gz"
Id = str | int
EmptyPolicy = Literal["refuse", "skip", "embed"]
Quoting = Literal["csv", "none"]
EMPTY_POLICIES: tuple[EmptyPolicy, ...] = ("refuse", "skip", "embed")
QUOTINGS: tuple[Quoting, ...] = ("csv", "none")
# Control and format characters: a zero-width space is as empty as a space.
_INVISIBLE = frozenset({"Cc", "Cf"})


@dataclass(frozen=True, slots=True)
class Row:
    """A text, and what it is known by.

    Attributes:
        text: Any string that UTF-8 can hold.
        id: From the column of ids, None where none is read.
        number: Of the row in its file, from 1, skipped ones counted, but no blank lines of a table; 0 without a file.
        more: Cells of the other columns asked for, as texts; empty ones are empty texts.
        second: The second text of a pair, None where single texts are read.
    """

    text: str
    id: Id | None = None
    number: int = field(default=0, compare=False)
    more: tuple[str, ...] = ()
    second: str | None = None

    @property
    def content(self) -> str | tuple[str, str]:
        """What is encoded: the text, or both texts of the pair."""
        return self.text if self.second is None else (self.text, self.second)


@dataclass(slots=True)
class Empty:
    """What becomes of rows without a text or an id, and how many the last reading met.

    Attributes:
        policy: Refuse them, skip them, or embed them as they are.
        advice: How a user can fix a refused row.
        count: How many there were; each reading starts anew.
    """

    policy: EmptyPolicy = "refuse"
    advice: str = "fill it, or choose --empty skip to leave such rows out, --empty embed to take them as they are"
    count: int = 0

    def keeps(self, place: str, what: str) -> bool:
        """Count an empty row.

        Args:
            place: Of the row, for messages.
            what: Is empty.

        Returns:
            Whether the row is read all the same.

        Raises:
            InputError: It is refused.
        """
        if self.policy == "refuse":
            raise InputError(f"{place}: {what} is empty: {self.advice}")
        self.count += 1
        return self.policy == "embed"


@dataclass(frozen=True, slots=True)
class Layout:
    """What is said about a file beside its name; None leaves it to the name and, of a .csv file, to its header.

    Attributes:
        format: A name in `biolord_onnx.io.formats.FORMATS`.
        delimiter: Of a table's cells, a character.
        quoting: Csv, where quotes enclose cells, or none, where a quote is a character like others.
        header: Whether a table's first line names its columns; without one they are numbered from 0.
    """

    format: str | None = None
    delimiter: str | None = None
    quoting: Quoting | None = None
    header: bool | None = None


@dataclass(frozen=True, slots=True)
class ColumnOptions:
    """What the options are called that name columns, and a file's format, for messages."""

    text: str = "--column"
    id: str = "--id-column"
    more: str = "--keep"
    format: str = "--format"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table are read, and how; no column for a file of lines.

    Attributes:
        text: Holds the texts.
        id: Holds the rows' ids, strings or whole numbers; None if they aren't wanted.
        layout: How the file is laid out.
        empty: What becomes of empty cells.
        more: Further columns whose cells are read as texts.
        options: That name all of these.
        paired: Whether the first of the further columns holds the second text of each pair.
    """

    text: str | None = None
    id: str | None = None
    layout: Layout = Layout()
    empty: Empty = field(default_factory=Empty)
    more: tuple[str, ...] = ()
    options: ColumnOptions = ColumnOptions()
    paired: bool = False


def is_blank(text: str) -> bool:
    """Whether a text has nothing to read: no character, or only white space and invisible ones."""
    if text[:1].isalnum():
        return False
    return all(sign.isspace() or unicodedata.category(sign) in _INVISIBLE for sign in text)


class BlankLines:
    """Blank lines of a file of records: at its end they are no rows, before others they are empty ones."""

    def __init__(self, name: str, empty: Empty) -> None:
        self._name = name
        self._empty = empty
        self._lines: list[int] = []

    def note(self, line: int) -> None:
        """Take a blank line, whose place is counted from 1."""
        self._lines.append(line)

    def settle(self) -> None:
        """Treat the noted lines as empty rows, for another row follows.

        Raises:
            InputError: They are not skipped; a line without cells can't be embedded.
        """
        for line in self._lines:
            if self._empty.keeps(f"{self._name}, line {line}", "the row"):
                raise InputError(f"{self._name}, line {line}: the line is blank: remove it, or choose --empty skip")
        self._lines.clear()
