"""Links as a mapping set of SSSOM."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.errors import InputError
from biolord_onnx.link.formats.choosing import FORMATS
from biolord_onnx.link.links import Sheet
from biolord_onnx.link.mapping_sets import NO_LICENSE, MappingSet, Prefix, check_address
from unit.runtime.link.made import hit, link, written

DOID = Prefix("DOID", "http://purl.obolibrary.org/obo/DOID_")
LOCAL = Prefix("LAB", "https://example.org/lab/")
SET = MappingSet("https://example.org/sets/1", objects=(DOID,), subjects=LOCAL, source="DOID:doid")
# The specification's: without one of them a file is no mapping set.
REQUIRED_OF_SETS = {"curie_map", "mapping_set_id", "license"}
REQUIRED_OF_MAPPINGS = {"predicate_id", "object_id", "mapping_justification"}
BUILT_IN = {"skos", "semapv", "sssom"}


def read(content: bytes) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Take a file apart: what stands behind number signs, and the table."""
    lines = content.decode().split("\n")
    head = [line[1:] for line in lines if line.startswith("#")]
    curies = dict(line.strip().split(": ", 1) for line in head if line.startswith("  "))
    facts = dict(line.split(": ", 1) for line in head[1:] if not line.startswith("  "))
    table = "\n".join(line for line in lines if not line.startswith("#"))
    rows = list(csv.DictReader(io.StringIO(table, newline=""), delimiter="\t"))
    return {"curie_map": curies, **facts}, rows


def test_a_set_has_what_the_specification_requires() -> None:
    """Every prefix is declared, and every row says what it is, and why."""
    links = [
        link("cat bite", hit("DOID:1", "Cat bite", 1.0000001, exact=True), hit("2", "Bite", -0.5), known_by="a"),
        link("what", known_by="LAB:b"),
    ]
    facts, rows = read(written("sssom", Sheet("name", "id", mapping_set=SET), links))
    assert set(facts) >= REQUIRED_OF_SETS
    assert facts["curie_map"] == {"DOID": DOID.address, "LAB": LOCAL.address}
    assert (facts["license"], facts["object_source"]) == (NO_LICENSE, "DOID:doid")
    assert [list(row.values()) for row in rows] == [
        ["LAB:a", "cat bite", "skos:exactMatch", "DOID:1", "Cat bite", "semapv:LexicalMatching", "1.000000"],
        [
            "LAB:a",
            "cat bite",
            "skos:closeMatch",
            "DOID:2",
            "Bite",
            *("semapv:SemanticSimilarityThresholdMatching", "0.000000"),
        ],
        ["LAB:b", "what", "skos:closeMatch", "sssom:NoTermFound", "", "semapv:SemanticSimilarityThresholdMatching", ""],
    ]
    for row in rows:
        assert all(row[name] for name in (*REQUIRED_OF_MAPPINGS, "subject_id"))
        prefixes = {row[name].split(":")[0] for name in (*REQUIRED_OF_MAPPINGS, "subject_id")}
        assert prefixes <= {*facts["curie_map"], *BUILT_IN}


def test_terms_without_ids_are_literals() -> None:
    """Which the specification has a type for; then a subject needs no id."""
    facts, rows = read(written("sssom", Sheet("name", mapping_set=SET), [link("cat", hit("1", "Cat"))]))
    assert facts["subject_type"] == "rdfs literal"
    assert "subject_id" not in rows[0]
    assert rows[0]["subject_label"] == "cat"


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_labels_come_back(text: str, name: str) -> None:
    """Quoted only where the specification asks for it."""
    content = written("sssom", Sheet("name", mapping_set=SET), [link(text, hit("1", name))])
    table = content[content.index(b"subject_label") :].decode()
    (row,) = csv.DictReader(io.StringIO(table, newline=""), delimiter="\t")
    assert (row["subject_label"], row["object_label"]) == (text, name)
    assert ('"' in table) == bool(re.search(r'[\t\n\r"]', text + name))


@pytest.mark.parametrize(
    ("sheet", "codes", "message"),
    [
        (Sheet("name", kept=("ward",), mapping_set=SET), [], "SSSOM has no place for the column 'ward'"),
        (Sheet("name"), [], "SSSOM needs a prefix for the codes of the index: --prefix NAME=IRI"),
        (Sheet("name", "id", mapping_set=MappingSet("x:1", objects=(DOID,))), [], "the ids of column 'id': --source-p"),
        (
            Sheet("name", mapping_set=MappingSet("x:1", objects=(DOID,), source="obo:doid")),
            [],
            "--object-source is 'obo:doid', expected an identifier with one of the prefixes",
        ),
        (
            Sheet("name", mapping_set=SET),
            ["1", "HP:1"],
            "the code 'HP:1' has none of the prefixes that --prefix names: DOID",
        ),
        (Sheet("name", mapping_set=SET), None, "the code None has none of the prefixes"),
        (Sheet("name", mapping_set=SET), ["a b"], "'a b' has a character that identifiers of SSSOM can't have"),
    ],
)
def test_what_has_no_place_is_refused(sheet: Sheet, codes: list[str] | None, message: str) -> None:
    """Before anything is searched."""
    with pytest.raises(InputError, match=re.escape(message)):
        FORMATS["sssom"].check(sheet, codes)


def test_what_has_a_place_passes() -> None:
    """Codes with a prefix and without."""
    FORMATS["sssom"].check(Sheet("name", "id", mapping_set=SET), ["1", "DOID:2", "A00-A09"])


@pytest.mark.parametrize(
    "text", ["DOID", "=x:", "DOID=", "1=https://example.org/", "DO ID=https://example.org/", "A=b"]
)
def test_prefixes_are_names_of_addresses(text: str) -> None:
    """Others are refused with an example."""
    with pytest.raises(InputError, match=f"--prefix is '{text}', expected NAME=IRI, as DOID="):
        Prefix.parse(text, "--prefix")
    assert Prefix.parse("DOID=http://purl.obolibrary.org/obo/DOID_", "--prefix") == DOID


def test_addresses() -> None:
    """Of sets and licenses."""
    assert check_address("urn:uuid:1", "--set-id") == "urn:uuid:1"
    with pytest.raises(InputError, match="--set-id is 'a b', expected an IRI, as https"):
        check_address("a b", "--set-id")


def test_metadata_is_quoted_where_yaml_needs_it() -> None:
    """A colon in a version, say."""
    facts, _ = read(written("sssom", Sheet("n", mapping_set=MappingSet("https://e.org/é", objects=(DOID,))), []))
    assert facts["mapping_set_id"] == '"https://e.org/é"'
    assert facts["similarity_measure"] == "cosine similarity"
