"""Links as Usagi opens them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biolord_onnx.errors import InputError
from biolord_onnx.link.formats.choosing import FORMATS
from biolord_onnx.link.links import Sheet
from unit.runtime.link.made import hit, link, written
from unit.runtime.link.usagi import read_usagi

SHEET = Sheet("name", "code", ("ward", "count"), ("domain_id",), frequency="count")
# In the order in which Usagi 1.4 writes them, those of the source's further columns in the middle.
COLUMNS = (
    "sourceCode sourceName sourceFrequency sourceAutoAssignedConceptIds ADD_INFO:ward matchScore mappingStatus "
    "equivalence statusSetBy statusSetOn conceptId conceptName domainId mappingType comment createdBy createdOn "
    "assignedReviewer"
)
# What its classes parse these columns as.
STATUSES = {"APPROVED", "UNCHECKED", "AUTO_MAPPED", "AUTO_MAPPED_TO_1", "INVALID_TARGET", "FLAGGED", "IGNORED"}
EQUIVALENCES = {"EQUAL", "EQUIVALENT", "WIDER", "NARROWER", "INEXACT", "UNMATCHED", "UNREVIEWED"}


def test_a_term_is_mapped_to_its_best_candidate() -> None:
    """The others restrict Usagi's search: several rows of a code would be several concepts it is mapped to."""
    links = [
        link("cat bite", hit("4", "Bite of cat", 0.98765), hit("9", "Bite"), known_by="A1", kept=("ER, 2", "12")),
        link("what", known_by=8, kept=("", "0")),
    ]
    first, second = read_usagi(written("usagi", SHEET, links))
    assert list(first) == COLUMNS.split()
    assert first == dict.fromkeys(first, "") | {
        "sourceCode": "A1",
        "sourceName": "cat bite",
        "sourceFrequency": "12",
        "sourceAutoAssignedConceptIds": "4;9",
        "ADD_INFO:ward": "ER, 2",
        "matchScore": "0.9877",
        "mappingStatus": "UNCHECKED",
        "equivalence": "UNREVIEWED",
        "statusSetOn": "0",
        "conceptId": "4",
        "conceptName": "Bite of cat",
        "domainId": "Condition",
        "mappingType": "MAPS_TO",
        "createdBy": "<auto>",
        "createdOn": "0",
    }
    assert (second["conceptId"], second["matchScore"], second["createdBy"]) == ("0", "0", "")
    for row in (first, second):
        assert row["mappingStatus"] in STATUSES
        assert row["equivalence"] in EQUIVALENCES
        assert [int(row[name]) >= 0 for name in ("sourceFrequency", "conceptId", "statusSetOn", "createdOn")]
        float(row["matchScore"])


def test_what_nobody_said_is_as_usagi_has_it() -> None:
    """No code, no frequency, no domain."""
    (row,) = read_usagi(written("usagi", Sheet("name"), [link("cat", hit("4", "Cat"))]))
    assert (row["sourceCode"], row["sourceFrequency"], row["domainId"]) == ("", "-1", "")


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))


@given(st.lists(st.tuples(TEXT, TEXT)))
@example([('a,"b\\', '\\",'), ('"', '""'), ("\\n", "\\\\")])
def test_texts_come_back(texts: list[tuple[str, str]]) -> None:
    """Of one line; Usagi, too, writes line breaks as escapes and never reads them back."""
    links = [link(text, hit("1", "x"), kept=(kept,)) for text, kept in texts]
    found = read_usagi(written("usagi", Sheet("name", None, ("k",)), links))
    assert [(row["sourceName"], row["ADD_INFO:k"]) for row in found] == texts


def test_line_breaks_stay_within_a_line() -> None:
    """Usagi reads line by line."""
    (row,) = read_usagi(written("usagi", Sheet("name"), [link("a\r\nb", hit("1", "x"))]))
    assert row["sourceName"] == "a\\nb"


@pytest.mark.parametrize("code", [None, "I10", "0", "-1", "٣", "2147483648", "1.5", "", "9" * 5000])
def test_other_codes_are_refused(code: str | None) -> None:
    """At once, not after hours: Usagi couldn't open the file."""
    with pytest.raises(InputError, match=f"the code {code!r} is no concept id of OMOP, which Usagi needs: index"):
        FORMATS["usagi"].check(SHEET, None if code is None else iter(["4", code]))
    FORMATS["usagi"].check(SHEET, iter(["4", "2147483647"]))


def test_frequencies_are_numbers() -> None:
    """Others would end Usagi's reading."""
    for found in ("x", "9" * 5000):
        with pytest.raises(InputError, match=f"'cat': column 'count' is '{found}', expected a whole number"):
            written("usagi", Sheet("name", None, ("count",), frequency="count"), [link("cat", kept=(found,))])
