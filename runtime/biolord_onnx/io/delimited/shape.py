"""What every record of a table must be like for no cell to be cut or taken for another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from biolord_onnx.errors import InputError
from biolord_onnx.io.delimited.dialects import delimiter_name
from biolord_onnx.io.rows import BlankLines, is_blank

Record = tuple[int, list[str]]
"""The line on which a row begins, from 1, and its cells."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The shape that a table's first record gave it.

    Attributes:
        name: Of the file, for messages.
        delimiter: Stands between cells.
        width: How many cells a record has, an empty one counted that follows a delimiter at its end.
        quotes: Whether quotes enclose cells.
        ends: Whether a delimiter ends each record.
    """

    name: str
    delimiter: str
    width: int
    quotes: bool
    ends: bool

    def checked(self, records: Iterator[Record], blank: BlankLines) -> Iterator[Record]:
        """Yield records that have the shape.

        Raises:
            InputError: One hasn't.
        """
        width, ends = self.width, self.ends
        for record in records:
            cells = record[1]
            if len(cells) != width or (ends and cells[-1]):
                if len(cells) > 1 or not is_blank("".join(cells)):
                    raise self._refusal(*record)
                blank.note(record[0])
                continue
            blank.settle()
            yield record

    def _refusal(self, line: int, cells: list[str]) -> InputError:
        sign = delimiter_name(self.delimiter)
        found, wanted = (len(cells) - 1, self.width - 1) if self.ends else (len(cells), self.width)
        advice = (
            f"put a cell that holds a {sign} in quotes, or give another --delimiter, or --quoting none if quotes "
            "belong to texts"
            if self.quotes
            else "give --quoting csv if quotes enclose cells, or another --delimiter"
        )
        trouble = f"has {found} cell{'s' if found != 1 else ''}, the first line has {wanted}"
        if found == wanted:
            trouble = f"ends without the {sign} that ends the first line"
        return InputError(f"{self.name}, line {line}: the row {trouble}: {advice}")
