"""Texts made of a name and the columns beside it."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass

from biolord_onnx.errors import InputError

NAME = "name"


@dataclass(frozen=True, slots=True)
class Template:
    """A text with places for a name and columns.

    Attributes:
        source: As it was given.
        columns: Whose places it has, but for the name's.
        parts: What stands before each place, and the column in it; None for the last part's.
    """

    source: str
    columns: tuple[str, ...]
    parts: tuple[tuple[str, str | None], ...]

    @classmethod
    def parse(cls, source: str) -> Template:
        """Read a template such as ``{name}, a {class}``.

        Raises:
            InputError: It is malformed, or has no place for the name.
        """
        try:
            found = list(string.Formatter().parse(source))
        except ValueError as error:
            raise InputError(f"the template {source!r} can't be read ({error}): write {{name}}, {{COLUMN}}") from error
        fields = [field for _, field, _, _ in found if field is not None]
        if any(spec or conversion for _, _, spec, conversion in found) or "" in fields:
            raise InputError(f"the template {source!r} has more than names in its places: write {{name}}, {{COLUMN}}")
        if NAME not in fields:
            raise InputError(f"the template {source!r} has no {{{NAME}}}: all names of a code would be one text")
        columns = tuple(dict.fromkeys(field for field in fields if field != NAME))
        return cls(source, columns, tuple((text, field) for text, field, _, _ in found))

    def fill(self, name: str, columns: Sequence[str], values: Sequence[str]) -> str:
        """Return the text for a name.

        Args:
            name: Goes where ``{name}`` stands.
            columns: Names of columns, those of the template among them.
            values: Of these columns.
        """
        known = {NAME: name} | dict(zip(columns, values, strict=True)) | {NAME: name}
        return "".join(text if field is None else text + known[field] for text, field in self.parts)
