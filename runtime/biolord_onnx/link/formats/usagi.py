"""The file that OHDSI's Usagi saves and opens: each source code with its best concept, waiting for a reviewer.

Usagi takes all rows of a source code for concepts that it is mapped to. So the best candidate alone is one, and all of
them stand in ``sourceAutoAssignedConceptIds``, to which Usagi's search can be restricted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import BinaryIO

from biolord_onnx.errors import InputError
from biolord_onnx.link.links import Link, Sheet

OPTIONS = ("frequency",)
_SOURCE = ("sourceCode", "sourceName", "sourceFrequency", "sourceAutoAssignedConceptIds")
_KEPT = "ADD_INFO:"
_MAPPING = (
    *("matchScore", "mappingStatus", "equivalence", "statusSetBy", "statusSetOn"),
    *("conceptId", "conceptName", "domainId", "mappingType", "comment", "createdBy", "createdOn", "assignedReviewer"),
)
# What Usagi itself writes where nobody has said how often a code occurs, and who has chosen a concept by search alone.
_NO_FREQUENCY, _AUTHOR = "-1", "<auto>"
_NO_CONCEPT = "0"
_DOMAIN = "domain_id"
# A Java int.
_MOST = 2**31 - 1
_DIGITS = 10


def check(sheet: Sheet, codes: Iterable[str] | None) -> None:  # noqa: ARG001 - of every form
    """Refuse an index of other codes than concept ids.

    Raises:
        InputError: A code is none, or there are no codes.
    """
    for code in (None,) if codes is None else codes:
        concept_id(code)


def write_usagi(stream: BinaryIO, sheet: Sheet, links: Iterable[Link]) -> None:
    """Write the rows.

    Raises:
        InputError: A code is no concept id, or a frequency no whole number.
    """
    kept = [at for at, name in enumerate(sheet.kept) if name != sheet.frequency]
    header = [*_SOURCE, *(f"{_KEPT}{sheet.kept[at]}" for at in kept), *_MAPPING]
    stream.write(_line(header))
    for link in links:
        extra = [link.row.more[at] for at in kept]
        stream.write(_line([*_source(sheet, link), *extra, *_mapping(sheet, link)]))


def concept_id(code: str | None) -> str:
    """Return a code that is a concept id.

    Raises:
        InputError: It is none.
    """
    if code is None or not (_is_count(code) and int(code)):
        raise InputError(
            f"the code {code!r} is no concept id of OMOP, which Usagi needs: index concepts by their concept_id, or "
            "choose another --format"
        )
    return code


def _source(sheet: Sheet, link: Link) -> list[str]:
    code = "" if link.row.id is None else str(link.row.id)
    concepts = dict.fromkeys(concept_id(hit.code) for hit in link.hits)
    return [code, link.row.text, _frequency(sheet, link), ";".join(concepts)]


def _frequency(sheet: Sheet, link: Link) -> str:
    if sheet.frequency is None:
        return _NO_FREQUENCY
    cell = link.row.more[sheet.kept.index(sheet.frequency)]
    if not _is_count(cell):
        raise InputError(f"{link.row.text!r}: column {sheet.frequency!r} is {cell!r}, expected a whole number")
    return cell


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= _DIGITS and int(text) <= _MOST


def _mapping(sheet: Sheet, link: Link) -> list[str]:
    review = ["UNCHECKED", "UNREVIEWED", "", "0"]
    if not link.hits:
        return ["0", *review, _NO_CONCEPT, "", "", "MAPS_TO", "", "", "0", ""]
    best = link.hits[0]
    domain = best.kept[_DOMAIN] if _DOMAIN in sheet.columns else ""
    concept = [concept_id(best.code), best.name, domain]
    return [f"{best.score:.4f}", *review, *concept, "MAPS_TO", "", _AUTHOR, "0", ""]


def _line(cells: Sequence[str]) -> bytes:
    return (",".join(map(_cell, cells)) + "\n").encode()


def _cell(cell: str) -> str:
    """Write a cell as Usagi does, which reads line by line and takes backslashes for escapes."""
    written = cell.replace("\\", "\\\\").replace("\r", "").replace("\n", "\\n").replace('"', '""')
    return f'"{written}"' if '"' in cell or "," in cell else written
