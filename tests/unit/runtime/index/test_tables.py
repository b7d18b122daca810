"""Texts, columns and names in mapped files."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from biolord_onnx.index.tables import strings
from biolord_onnx.index.tables.column import Codes, Column, ColumnWriter
from biolord_onnx.index.tables.names import HashWriter, Names, normalize_name
from biolord_onnx.index.tables.strings import Strings, StringsWriter, write_strings

VALUES = st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=12)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for many others."""
    return tmp_path_factory.mktemp("tables")


def fresh(folders: Path) -> Path:
    """Make a folder that wasn't there."""
    folder = folders / str(len(list(folders.iterdir())))
    folder.mkdir()
    return folder


@given(VALUES)
def test_texts_come_back(folders: Path, texts: list[str]) -> None:
    """Any texts, one by one and as slices; none beyond the last, nor before the first."""
    folder = fresh(folders)
    write_strings(folder, "t", texts)
    found = Strings(folder, "t", len(texts))
    assert list(found) == texts
    assert len(found) == len(texts)
    assert found[1:4] == texts[1:4]
    for at in (len(texts), -1):
        with pytest.raises(IndexError):
            found[at]


def test_offsets_grow_with_the_texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more than four gigabytes they take 8 bytes each: here, of more than five bytes."""
    monkeypatch.setattr(strings, "_LARGEST_SHORT", 5)
    for texts, size in ((["abc", "de"], 4), (["abc", "def"], 8)):
        folder = tmp_path / str(size)
        folder.mkdir()
        write_strings(folder, "t", texts)
        assert (folder / "t.offsets").stat().st_size == 3 * size
        assert list(Strings(folder, "t", 2)) == texts


@given(VALUES, st.text(max_size=3))
def test_a_column_is_filtered_by_bisection(folders: Path, values: list[str], other: str) -> None:
    """A mask says which rows have a value; one that no row has gives none."""
    folder = fresh(folders)
    writer = ColumnWriter(folder, "c")
    for value in values:
        writer.add(value)
    count = writer.close()
    assert count == len(set(values))
    column = Column(folder, "c", len(values), count)
    assert [column[row] for row in range(len(values))] == values
    assert list(column.values) == sorted(set(values), key=str.encode)
    for wanted in ({other}, set(values[:2]), {other, *values[1:3]}):
        assert column.mask(wanted).tolist() == [value in wanted for value in values]


def test_codes_know_their_rows(tmp_path: Path) -> None:
    """In order, and which codes have several."""
    writer = ColumnWriter(tmp_path, "c")
    for code in ("B", "A", "B", "C", "B"):
        writer.add(code)
    assert writer.close(with_rows=True) == 3
    assert writer.shared() == 1
    codes = Codes(tmp_path, "c", 5, 3)
    assert {code: codes.rows_of(code) for code in "ABCD"} == {"A": [1], "B": [0, 2, 4], "C": [3], "D": []}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Diabetes  mellitus ", "diabetes MELLITUS"),
        ("Ａｌｚｈｅｉｍｅｒ", "alzheimer"),
        ("Grauﬀ", "GRAUFF"),
        ("Straße", "STRASSE"),
        ("a\u00a0b", "a b"),
        ("\u0130d", "i\u0307d"),
    ],
)
def test_names_are_equal_but_for_case_width_and_spaces(one: str, other: str) -> None:
    """Full width, ligatures, sharp s and no-break spaces."""
    assert normalize_name(one) == normalize_name(other)


@given(st.text(max_size=8))
def test_normalizing_twice_changes_nothing(name: str) -> None:
    """What is written in an index is what a query is turned into."""
    assert normalize_name(normalize_name(name)) == normalize_name(name)


@pytest.mark.parametrize("before", ["", "a" * 300])
@example("ß")  # longer than what is normalized at once, and no mark in it
@given(st.text(st.sampled_from("aA ßﬁé각ﷺ\u0301\u0323\u0344\u0f73\u0f71\u0f72\uff9e\u3099\u1100\u1161"), max_size=40))
def test_long_names_are_normalized_as_short_ones(before: str, name: str) -> None:
    """By other steps."""
    once = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", before + name).casefold())
    assert normalize_name(before + name) == " ".join(once.split())


def test_marks_without_an_end_are_ordered_in_time() -> None:
    """Python takes hours for that, in which nothing else runs."""
    assert normalize_name("a" + "\u0301\u0323" * 200_000) == "ạ" + "\u0323" * 199_999 + "\u0301" * 200_000


def test_what_no_name_is_as_long_as_is_not_looked_for(tmp_path: Path) -> None:
    """However long it is; spaces don't count."""
    write_strings(tmp_path, "names", ["a" * 300])
    hashes = HashWriter(tmp_path, "names")
    hashes.add("a" * 300)
    hashes.close()
    names = Names(tmp_path, "names", 1)
    assert names.equal_to("a" * 7201) == []
    assert names.equal_to(" " * 9000 + "A" * 300) == [0]


def test_half_a_character_is_no_value(tmp_path: Path) -> None:
    """It can't be written, and so isn't there."""
    writer = ColumnWriter(tmp_path, "codes")
    writer.add("1")
    writer.close(with_rows=True)
    codes = Codes(tmp_path, "codes", 1, 1)
    assert codes.rows_of("\ud800") == []
    assert not codes.mask(["\udfff"]).any()


def test_names_are_found_by_what_is_left_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of equal names, and none of others that have the same hash by chance."""
    names = ["Fever", "cough", "FEVER ", "fevers"]

    def write(folder: Path) -> Names:
        texts, hashes = StringsWriter(folder, "n"), HashWriter(folder, "n")
        for name in names:
            texts.add(name)
            hashes.add(name)
        texts.close()
        hashes.close()
        return Names(folder, "n", len(names))

    found = write(tmp_path)
    assert {name: found.equal_to(name) for name in ("fever", "Cough", "ague")} == {
        "fever": [0, 2],
        "Cough": [1],
        "ague": [],
    }
    monkeypatch.setattr("biolord_onnx.index.tables.names._hash", lambda _: 7)
    other = tmp_path / "other"
    other.mkdir()
    assert write(other).equal_to("fever") == [0, 2]


def test_a_table_of_nothing(tmp_path: Path) -> None:
    """Files of no bytes can't be mapped, and needn't be."""
    assert ColumnWriter(tmp_path, "c").close() == 0
    column = Column(tmp_path, "c", 0, 0)
    assert np.array_equal(column.mask({"a"}), np.empty(0, np.bool_))
