"""What counts as texts, and what as pairs of them."""

from __future__ import annotations

import pytest

from biolord_onnx.encoding.texts import as_inputs, characters, distinct, put_before, singles_and_pairs
from biolord_onnx.errors import InputError

PAIRS = [("cat", "bite"), ("", "fever")]


@pytest.mark.parametrize("given", [PAIRS, [list(pair) for pair in PAIRS], iter(PAIRS)])
def test_lists_and_tuples_of_two_strings_are_pairs(given: object) -> None:
    """As sentence-transformers takes them."""
    assert as_inputs(given) == PAIRS


def test_two_strings_are_two_texts() -> None:
    """A tuple of strings is no pair, but a batch of two; a string is a text."""
    assert as_inputs(("cat", "bite")) == ["cat", "bite"]
    assert as_inputs("cat") == ["cat"]
    assert as_inputs([]) == []


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([("a", "b"), "c"], TypeError, r"texts\[1\] is str, texts before it are pairs: embed them in two calls"),
        (["c", ("a", "b")], TypeError, r"texts\[1\] is tuple, expected str"),
        ([("a", "b"), ("a", "b", "c")], TypeError, r"texts\[1\] has 3 parts, expected a str or a pair of them"),
        ([["a"]], TypeError, r"texts\[0\] has 1 parts"),
        ([("a", None)], TypeError, r"texts\[0\]\[1\] is NoneType, expected str"),
        ([("a", "\ud800")], InputError, r"texts\[0\] has a lone surrogate"),
    ],
)
def test_what_is_no_pair_is_refused(given: object, error: type[Exception], message: str) -> None:
    """With its position."""
    with pytest.raises(error, match=message):
        as_inputs(given)


def test_a_prompt_stands_in_front_of_the_first_text() -> None:
    """Of each pair, or of each text."""
    assert put_before("q: ", PAIRS) == [("q: cat", "bite"), ("q: ", "fever")]
    assert put_before("q: ", ["cat"]) == ["q: cat"]
    assert put_before("q: ", []) == []


def test_pairs_are_told_from_texts() -> None:
    """One of the two is empty; characters are those of both texts, and equal pairs are found."""
    assert singles_and_pairs(PAIRS) == ((), PAIRS)
    assert singles_and_pairs(["cat"]) == (["cat"], ())
    assert [characters(text) for text in PAIRS] == [7, 5]
    assert characters("cat") == 3
    assert distinct([PAIRS[0], ("ca", "tbite"), PAIRS[0]]).copies.tolist() == [2]
