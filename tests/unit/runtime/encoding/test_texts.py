"""What counts as texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from biolord_onnx.encoding.texts import as_texts, distinct
from biolord_onnx.errors import InputError


@pytest.mark.parametrize(
    "texts",
    [
        ["a", "b"],
        ("a", "b"),
        np.array(["a", "b"]),
        np.array(["a", "b"], dtype=object),
        (letter for letter in "ab"),
        {"a": 1, "b": 2}.keys(),
        map(str, ["a", "b"]),
    ],
)
def test_any_iterable_of_strings_is_texts(texts: object) -> None:
    """Lists, tuples, arrays, generators and views are all texts."""
    assert as_texts(texts) == ["a", "b"]


def test_a_string_is_one_text() -> None:
    """A string is not taken apart into letters."""
    assert as_texts("ab") == ["ab"]
    assert as_texts("") == [""]


class Frame(list[str]):
    """Iterates like a pandas DataFrame: over the names of its columns."""

    ndim = 2
    shape = (2, 1)


class Column:
    """Iterates like a pandas Series: over values, with an index of its own."""

    def __init__(self, values: list[str]) -> None:
        self.values = values

    def __iter__(self) -> Any:  # noqa: ANN401 - as loosely typed as what it stands for
        return iter(self.values)

    def __getitem__(self, label: str) -> str:
        raise KeyError(label)


def test_a_column_with_its_own_index_is_texts() -> None:
    """Only iteration is used: position 0 of a filtered Series may not exist."""
    assert as_texts(Column(["a", "b"])) == ["a", "b"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (None, "texts is NoneType, expected a str or an iterable of str"),
        (1, "texts is int, expected a str or an iterable of str"),
        (b"ab", "texts is bytes, expected a str or an iterable of str"),
        (bytearray(b"ab"), "texts is bytearray, expected a str or an iterable of str"),
        ([1], "texts[0] is int, expected str"),
        ([None], "texts[0] is NoneType, expected str"),
        (["a", "b", b"c"], "texts[2] is bytes, expected str"),
        (["a", ["b"]], "texts[1] is list, expected str"),
        (["a", float("nan")], "texts[1] is float, expected str"),
        (np.array([b"a"]), "texts[0] is bytes_, expected str"),
        (np.array("a"), "texts is ndarray of shape (), expected one dimension"),
        (np.array([["a"]]), "texts is ndarray of shape (1, 1), expected one dimension"),
        (Frame(["a"]), "texts is Frame of shape (2, 1), expected one dimension"),
        ({"a": "b"}, "texts is dict, expected an iterable of str: give its keys or its values"),
    ],
)
def test_anything_else_is_a_type_error(texts: object, message: str) -> None:
    """The message names the position and the type found."""
    with pytest.raises(TypeError) as raised:
        as_texts(texts)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("texts", "index", "position"),
    [("\ud800", 0, 0), (["é", "cat \udcff dog"], 1, 4), (["a", "a", "\udbff\udc00", "\ud800"], 2, 0)],
)
def test_lone_surrogates_are_refused(texts: object, index: int, position: int) -> None:
    """Text that was decoded wrongly is named by text and character, before anything is computed."""
    message = rf"^texts\[{index}\] has a lone surrogate '\\ud\w+' at character {position}: decode the original"
    with pytest.raises(InputError, match=message):
        as_texts(texts)


def test_equal_texts_are_found() -> None:
    """Each different string once, and for every repetition where it occurs first."""
    found = distinct(["b", "a", "b", "", "a", "b"])
    assert found.texts == ["b", "a", ""]
    np.testing.assert_array_equal(found.rows, [0, 1, 3])
    np.testing.assert_array_equal(found.copies, [2, 4, 5])
    np.testing.assert_array_equal(found.originals, [0, 1, 0])


def test_without_repetitions_nothing_is_copied() -> None:
    """Different texts have no copies, and none at all is fine."""
    assert distinct(["a", "b"]).copies.size == 0
    empty = distinct(list[str]())
    assert (empty.texts, empty.rows.size, empty.copies.size, empty.originals.size) == ([], 0, 0, 0)


def test_equal_to_the_eye_is_not_equal() -> None:
    """Strings that only look the same stay apart: the tokenizer decides, not we."""
    assert len(distinct(["é", "e\u0301", "a", "a "]).texts) == 4
