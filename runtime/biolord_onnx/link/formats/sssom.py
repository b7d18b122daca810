"""A mapping set in SSSOM's form of tab-separated values: metadata behind number signs, and a row a candidate.

A name that equals the term is a lexical match; all others are similar by their vectors, which is a score and no
probability: they have a ``similarity_score``, and no ``confidence``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from biolord_onnx import __version__
from biolord_onnx.errors import InputError
from biolord_onnx.link.links import Link, Sheet

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit

OPTIONS = ("prefix", "source_prefix", "object_source", "set_id", "license")
_COLUMNS = ("subject_id", "subject_label", "predicate_id", "object_id", "object_label", "mapping_justification")
_SCORE = "similarity_score"
_SIMILAR = ("skos:closeMatch", "semapv:SemanticSimilarityThresholdMatching")
_SAME = ("skos:exactMatch", "semapv:LexicalMatching")
_NOT_FOUND = "sssom:NoTermFound"
# What YAML takes for a string without quotes.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./:%?=&~+#-]*[A-Za-z0-9_/#]")
_QUOTED = re.compile(r'[\t\n\r"]')


def check(sheet: Sheet, codes: Iterable[str] | None) -> None:
    """Refuse what has no place in a mapping set, and codes that can't be identifiers.

    Raises:
        InputError: That.
    """
    facts = sheet.mapping_set
    if sheet.kept:
        raise InputError(f"SSSOM has no place for the column {sheet.kept[0]!r}: leave --keep out, or choose csv")
    if not facts.objects:
        raise InputError("SSSOM needs a prefix for the codes of the index: --prefix NAME=IRI")
    if sheet.id is not None and facts.subjects is None:
        raise InputError(f"SSSOM needs a prefix for the ids of column {sheet.id!r}: --source-prefix NAME=IRI")
    if facts.source is not None and facts.source.partition(":")[0] not in {prefix.name for prefix in facts.prefixes()}:
        raise InputError(f"--object-source is {facts.source!r}, expected an identifier with one of the prefixes")
    for code in (None,) if codes is None else codes:
        facts.object_id(code)


def write_sssom(stream: BinaryIO, sheet: Sheet, links: Iterable[Link]) -> None:
    """Write the set.

    Raises:
        InputError: A code or an id has no prefix, or can't be an identifier.
    """
    stream.writelines(f"#{line}\n".encode() for line in _metadata(sheet))
    literal = sheet.id is None
    stream.write(_line([*(_COLUMNS[1:] if literal else _COLUMNS), _SCORE]))
    for link in links:
        subject = [link.row.text] if literal else [sheet.mapping_set.subject_id(link.row.id), link.row.text]
        stream.writelines(_line([*subject, *rest]) for rest in _objects(sheet, link))


def _metadata(sheet: Sheet) -> Iterator[str]:
    facts = sheet.mapping_set
    yield "curie_map:"
    for prefix in facts.prefixes():
        yield f"  {prefix.name}: {_scalar(prefix.address)}"
    yield f"mapping_set_id: {_scalar(facts.identifier)}"
    yield f"license: {_scalar(facts.license)}"
    if sheet.id is None:
        yield "subject_type: rdfs literal"
    if facts.source is not None:
        yield f"object_source: {_scalar(facts.source)}"
    yield "mapping_tool: biolord-onnx"
    yield f"mapping_tool_version: {json.dumps(__version__)}"
    yield "similarity_measure: cosine similarity"


def _objects(sheet: Sheet, link: Link) -> Iterator[list[str]]:
    predicate, justification = _SIMILAR
    if not link.hits:
        yield [predicate, _NOT_FOUND, "", justification, ""]
    for hit in link.hits:
        predicate, justification = _SAME if hit.exact else _SIMILAR
        yield [predicate, sheet.mapping_set.object_id(hit.code), hit.name, justification, _score(hit)]


def _score(hit: Hit) -> str:
    """Keep within what the slot takes; of vectors that point apart, nothing is similar."""
    return f"{min(1.0, max(0.0, hit.score)):.6f}"


def _scalar(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def _line(cells: Iterable[str]) -> bytes:
    return ("\t".join(map(_cell, cells)) + "\n").encode()


def _cell(cell: str) -> str:
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(cell) else cell
