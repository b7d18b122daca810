"""Records whose cells may stand in quotes, as in CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from biolord_onnx.errors import InputError

# As much as a C long holds on every system: a clinical note may be longer than the default of 131,072 characters.
_LONGEST_CELL = 2**31 - 1


def quoted_records(
    whole_lines: Iterable[str], name: str, delimiter: str, *, trusted: bool
) -> Iterator[tuple[int, list[str]]]:
    """Take lines apart.

    Args:
        whole_lines: With what ends them.
        name: Of the file, for messages.
        delimiter: Stands between cells.
        trusted: Whether the user said that quotes enclose cells. If not, a row over several lines that look like rows
            themselves is refused: a lone quote may have swallowed them.

    Yields:
        The line on which a record begins, from 1, and its cells; one empty cell for a blank line.

    Raises:
        InputError: A quote is not closed, is followed by something else than a delimiter, or may swallow rows.
    """
    csv.field_size_limit(_LONGEST_CELL)
    held: list[str] = []
    reader = csv.reader(_held(whole_lines, held), delimiter=delimiter, strict=True)
    width = 0
    while True:
        begins = reader.line_num + 1
        held.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise InputError(
                f"{name}, line {begins}: {error}: fix the line, or give --quoting none if quotes belong to texts"
            ) from error
        width = width or len(cells)
        if len(held) > 1 and not trusted and _look_like_rows(held, delimiter, width):
            raise InputError(
                f"{name}, line {begins}: a cell in quotes runs on to line {reader.line_num}, over what looks like "
                "rows: give --quoting none if quotes belong to texts, --quoting csv if cells have line breaks"
            )
        yield begins, cells or [""]


def _held(whole_lines: Iterable[str], held: list[str]) -> Iterator[str]:
    for whole in whole_lines:
        if "\r" in whole:
            # The csv module wants lines that end at a lone carriage return, too, as old spreadsheets write them.
            for part in io.StringIO(whole, newline=""):
                held.append(part)
                yield part
        else:
            held.append(whole)
            yield whole


def _look_like_rows(parts: list[str], delimiter: str, width: int) -> bool:
    """Whether each line of a row has a row's cells, or more where texts hold delimiters; blank lines don't count."""
    return all(part.count(delimiter) + 1 >= width for part in parts if not part.isspace())
