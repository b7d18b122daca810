"""Links to write, without an index."""

from __future__ import annotations

import io
from collections.abc import Iterable

from biolord_onnx.index.hits import Hit
from biolord_onnx.io.rows import Id, Row
from biolord_onnx.link.formats.choosing import FORMATS
from biolord_onnx.link.links import Link, Sheet


def hit(code: str | None, name: str, score: float = 0.75, *, exact: bool = False, domain: str = "Condition") -> Hit:
    """Make a hit whose index keeps a domain."""
    return Hit(code, name, score, 0, exact, {"domain_id": domain})


def link(text: str, *hits: Hit, known_by: Id | None = None, kept: tuple[str, ...] = ()) -> Link:
    """Make a link."""
    return Link(Row(text, known_by, more=kept), hits)


def written(form: str, sheet: Sheet, links: Iterable[Link]) -> bytes:
    """Write a file in memory."""
    stream = io.BytesIO()
    FORMATS[form].write(stream, sheet, links)
    return stream.getvalue()
