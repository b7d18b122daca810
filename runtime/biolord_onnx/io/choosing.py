"""Finding a column by its name."""

from __future__ import annotations

from collections.abc import Sequence

from biolord_onnx.errors import InputError


def choose(place: str, column: str | None, names: Sequence[str], option: str, hint: str = "") -> int:
    """Return where a column stands.

    Args:
        place: The file, for messages.
        column: Its name; None if the option wasn't given.
        names: Of all columns.
        option: That names the column.
        hint: What else may be wrong if the column isn't there.

    Raises:
        InputError: It isn't there, or several have its name.
    """
    if column is None:
        raise InputError(f"{place} needs {option}, one of: {shown(names)}")
    if column not in names:
        raise InputError(f"{place} has no column {column!r}, it has: {shown(names)}{hint}")
    if names.count(column) > 1:
        raise InputError(f"{place} has several columns {column!r}: {shown(names)}: rename those that aren't meant")
    return names.index(column)


def shown(names: Sequence[str]) -> str:
    """List names, in quotes where they have spaces at an end or signs that can't be seen."""
    return ", ".join(name if name.strip() == name != "" and name.isprintable() else repr(name) for name in names) or (
        "none"
    )
