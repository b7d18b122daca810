"""Texts and ids in formats that know types."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Columns, Id, Row, is_blank

# Larger whole floats aren't next to each other: digits of an id may be lost.
_EXACT_FLOATS = 2.0**53


def as_row(  # noqa: PLR0917 - once for each row of millions
    text: object, known_by: object, place: str, columns: Columns, number: int, more: Sequence[object] = ()
) -> Row | None:
    """Make a row of two cells, and those of further columns.

    Args:
        text: The one with the text.
        known_by: The one with the id, if ids are wanted.
        place: Of the row, for messages.
        columns: Whose cells these are.
        number: Of the row, from 1.
        more: Cells of the further columns.

    Returns:
        The row, None if it is empty and skipped.

    Raises:
        InputError: A cell is of another type, or the row is empty and refused.
    """
    missing = _missing(text, known_by, columns)
    if missing is not None and not columns.empty.keeps(place, f"column {missing!r}"):
        return None
    read = "" if _is_null(text) else _as_text(text, place, columns.text)
    others = tuple(_as_value(cell, place, column) for cell, column in zip(more, columns.more, strict=True))
    return Row(read, None if columns.id is None else _as_id(known_by, place, columns.id), number, others)


def _missing(text: object, known_by: object, columns: Columns) -> str | None:
    if _is_empty(text):
        return columns.text
    return columns.id if columns.id is not None and _is_empty(known_by) else None


def _is_empty(value: object) -> bool:
    return is_blank(value) if isinstance(value, str) else _is_null(value)


def _is_null(value: object) -> bool:
    # pandas writes a missing value as NaN, the only float that differs from itself.
    return value is None or (isinstance(value, float) and value != value)  # noqa: PLR0124 - that is the test


def _as_text(value: object, place: str, column: str | None) -> str:
    if not isinstance(value, str):
        raise InputError(f"{place}: column {column!r} is {type(value).__name__}, expected a string: drop or fill it")
    return _whole(value, place, column)


def _as_value(value: object, place: str, column: str) -> str:
    """Write a cell as text: JSON's words for what is no text, nothing for nothing."""
    if _is_null(value):
        return ""
    if isinstance(value, str):
        return _whole(value, place, column)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float | Decimal | date):
        return str(value)
    raise InputError(f"{place}: column {column!r} is {type(value).__name__}, expected a text, a number or a date")


def _as_id(value: object, place: str, column: str) -> Id:
    if isinstance(value, str):
        return _whole(value, place, column)
    number = _whole_number(value, place, column)
    if not -(2**63) <= number < 2**63:
        raise InputError(f"{place}: column {column!r} is {number}, which 64 bits can't hold: write ids as strings")
    return number


def _whole_number(value: object, place: str, column: str) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not isinstance(value, float | Decimal):
        raise InputError(
            f"{place}: column {column!r} is {type(value).__name__}, expected an id, a string or an integer"
        )
    if not _is_whole(value):
        raise InputError(
            f"{place}: column {column!r} is {value}, a {type(value).__name__} that isn't a whole number or has lost "
            "digits: write ids as strings"
        )
    return int(value)


def _is_whole(value: float | Decimal) -> bool:
    if isinstance(value, Decimal):
        return value.is_finite() and value == value.to_integral_value()
    return abs(value) <= _EXACT_FLOATS and value.is_integer()


def _whole(value: str, place: str, column: str | None) -> str:
    """Refuse what a JSON escape can write and UTF-8 can't."""
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise InputError(
                f"{place}: column {column!r} has a lone surrogate {value[error.start]!r}: fix the row"
            ) from error
    return value
