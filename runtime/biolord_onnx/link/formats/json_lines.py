"""An object a line for each term, with all its candidates."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, BinaryIO

from biolord_onnx.link.links import Link, Sheet, shown

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit


def check(sheet: Sheet, codes: Iterable[str] | None) -> None:
    """Let everything pass: members of an object stand apart from those of others."""


def write_json_lines(stream: BinaryIO, sheet: Sheet, links: Iterable[Link]) -> None:
    """Write JSON lines in UTF-8."""
    stream.writelines(f"{json.dumps(_members(sheet, link), ensure_ascii=False)}\n".encode() for link in links)


def _members(sheet: Sheet, link: Link) -> dict[str, object]:
    known = {} if sheet.id is None else {"id": link.row.id}
    context = {"kept": dict(zip(sheet.kept, link.row.more, strict=True))} if sheet.kept else {}
    return {**known, "text": link.row.text, **context, "matches": [_match(sheet, hit) for hit in link.hits]}


def _match(sheet: Sheet, hit: Hit) -> dict[str, object]:
    members: dict[str, object] = {
        "code": hit.code,
        "name": hit.name,
        "score": float(shown(hit.score)),
        "exact": hit.exact,
    }
    return members | ({"kept": {name: hit.kept[name] for name in sheet.columns}} if sheet.columns else {})
