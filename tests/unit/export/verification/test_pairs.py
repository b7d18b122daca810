"""Labeled pairs: reading them, and Spearman's correlation."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from biolord_export.errors import ExportError
from biolord_export.verification.pairs import LabeledPairs, PairsFidelity, compare_pairs, read_pairs, spearman
from biolord_onnx.artifact.json_fields import Fields, JSONObject
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.io.rows import Layout

HEADER = "score\ttext1\ttext2\n"
ROWS = "1\tfever\tcough\n2.5\tfever\tpyrexia\n0\tfever\tfracture\n"
values = st.lists(st.integers(-5, 5), min_size=3, max_size=30)


def write(folder: Path, content: str | bytes, name: str = "pairs.tsv") -> Path:
    """Write a file of pairs."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_a_table_of_pairs(tmp_path: Path) -> None:
    """Scores and both texts, in the file's order, under the file's name."""
    pairs = read_pairs(write(tmp_path, HEADER + ROWS))
    assert pairs == LabeledPairs("pairs.tsv", (1.0, 2.5, 0.0), ("fever",) * 3, ("cough", "pyrexia", "fracture"))


def test_a_table_with_commas_and_other_columns(tmp_path: Path) -> None:
    """Columns are found by name, in any order; a quoted text keeps its comma."""
    content = '\ufeffid,text2,score,text1\n1,"cough, dry",1,fever\n2,b,2,c\n3,d,3,e\n'
    pairs = read_pairs(write(tmp_path, content, "pairs.CSV"))
    assert pairs.second == ("cough, dry", "b", "d")
    assert pairs.scores == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("score\ttext1\n1\ta\n", "lacks the column text2 (it has score, text1)"),
        (HEADER + "1\ta\tb\n2\ta\t \n", "line 3: text2 is empty: fill it, or remove the row"),
        (HEADER + "1\t\u200b\tb\n", "line 2: text1 is empty"),
        (HEADER + "high\ta\tb\n", "line 2: score is 'high', expected a number"),
        (HEADER + "nan\ta\tb\n", "line 2: score is 'nan', expected a number"),
        (HEADER + "inf\ta\tb\n", "line 2: score is 'inf', expected a number"),
        (HEADER + "1\ta\tb\n2\ta\tb\n", "has 2 pairs, expected 3 or more, with different scores"),
        (HEADER + "1\ta\tb\n" * 4, "has 4 pairs, expected 3 or more, with different scores"),
        (HEADER, "has 0 pairs"),
    ],
)
def test_a_table_that_is_no_use(tmp_path: Path, content: str, message: str) -> None:
    """The file is named, and the line where there is one."""
    path = write(tmp_path, content)
    with pytest.raises(ExportError, match=re.escape(f"{path}") + ".*" + re.escape(message)):
        read_pairs(path)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    """What the name must end in is said."""
    for name in ("pairs.txt", "pairs.rrf", "pairs.jsonl"):
        path = write(tmp_path, HEADER + ROWS, name)
        with pytest.raises(
            InputError, match=r"is no table of text with a header: let its name end in .csv or .tsv or .ps"
        ):
            read_pairs(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty, expected a line that names its columns"),
        (HEADER + "1\ta\tb\n2\ta\n", "line 3: the row has 2 cells, the first line has 3"),
        (HEADER + "1\ta\tb\n2\ta\tb\tc\n", "line 3: the row has 4 cells, the first line has 3"),
        (HEADER + '1\t"a"\tb\n', 'line 2: the cell "a" stands in quotes: say --quoting none'),
        (HEADER + "1\ta\tb\n\n2\ta\tb\n", "line 3: the row is empty: fill or remove it"),
        ("score\tscore\ttext1\ttext2\n", "has several columns 'score'"),
    ],
)
def test_rows_that_may_be_wrong(tmp_path: Path, content: str, message: str) -> None:
    """As in tables of texts."""
    with pytest.raises(InputError, match=message):
        read_pairs(write(tmp_path, content))


def test_what_is_said_about_a_table(tmp_path: Path) -> None:
    """Its delimiter and its quotes; gzip needs no word."""
    content = 'score;text1;text2\n1;"a;b";c\n2;d;e\n3;"f""";g\n'
    pairs = read_pairs(write(tmp_path, content, "pairs.txt"), Layout(delimiter=";", quoting="csv"))
    assert pairs.first == ("a;b", "d", 'f"')
    packed = gzip.compress((HEADER + '1\t"a"\tb\n2\t"a\tb\n3\ta\tb\n').encode())
    pairs = read_pairs(write(tmp_path, packed, "pairs.tsv.gz"), Layout(quoting="none"))
    assert pairs.first == ('"a"', '"a', "a")


def test_a_file_that_is_not_utf_8(tmp_path: Path) -> None:
    """The line is named."""
    with pytest.raises(InputError, match="line 2: byte 0xff is not UTF-8"):
        read_pairs(write(tmp_path, HEADER.encode() + b"1\t\xff\tb\n"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """The error is the system's own."""
    with pytest.raises(FileNotFoundError):
        read_pairs(tmp_path / "pairs.tsv")


def test_ties_share_the_mean_of_their_ranks() -> None:
    """Ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4: 4.5 over the root of 4.5 times 5."""
    found = spearman(np.array([1.0, 2.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0, 40.0]))
    assert found == pytest.approx(4.5 / np.sqrt(4.5 * 5))


def test_the_formula_for_ranks_without_ties() -> None:
    """1 - 6 Σd² / (n³ - n)."""
    a, b = np.array([3.0, 1.0, 4.0, 1.5, 5.0]), np.array([2.0, 7.0, 1.0, 8.0, 3.0])
    distances = a.argsort().argsort() - b.argsort().argsort()
    assert spearman(a, b) == pytest.approx(1 - 6 * float(distances @ distances) / (125 - 5))


def test_a_flat_list_ranks_nothing() -> None:
    """There is no order to agree with."""
    assert spearman(np.ones(4), np.arange(4.0)) == 0


@given(values)
def test_only_the_order_counts(numbers: list[int]) -> None:
    """Any growing function of the values leaves the correlation as it is, a falling one turns its sign."""
    a, b = np.array(numbers, dtype=np.float64), np.arange(len(numbers), dtype=np.float64)
    found = spearman(a, b)
    assert spearman(np.exp(a), b) == pytest.approx(found)
    assert spearman(-a, b) == pytest.approx(-found)
    assert spearman(b, a) == pytest.approx(found)
    assert -1 - 1e-12 <= found <= 1 + 1e-12


def test_pairs_are_ranked_by_cosine() -> None:
    """The artifact's figure and the reference's are told apart."""
    pairs = LabeledPairs("some", (3.0, 2.0, 1.0), ("a", "a", "a"), ("b", "c", "d"))
    angles = {"a": 0.0, "b": 0.1, "c": 0.2, "d": 0.3}

    def exact(texts: Sequence[str]) -> NDArray[np.float32]:
        turned = np.array([angles[text] for text in texts])
        return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)

    def swapped(texts: Sequence[str]) -> NDArray[np.float32]:
        return exact([{"b": "c", "c": "b"}.get(text, text) for text in texts])

    found = compare_pairs(pairs, swapped, exact)
    assert (found.origin, found.pairs) == ("some", 3)
    assert found.spearman == pytest.approx(0.5)
    assert found.reference == pytest.approx(1.0)


def test_a_report_is_read_back() -> None:
    """A correlation may be negative, and a count may not be below three."""
    members: JSONObject = {"origin": "pairs.tsv", "pairs": 3, "spearman": -0.25, "reference": 0.5}
    assert PairsFidelity.from_fields(Fields("here", dict(members))) == PairsFidelity("pairs.tsv", 3, -0.25, 0.5)
    with pytest.raises(ArtifactError, match="pairs is 2, expected an integer of 3 or more"):
        PairsFidelity.from_fields(Fields("here", members | {"pairs": 2}))
    with pytest.raises(ArtifactError, match="spearman is -2, expected a number of -1 or more"):
        PairsFidelity.from_fields(Fields("here", members | {"spearman": -2}))
