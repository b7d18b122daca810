"""How texts are encoded, and what is said of those that were cut."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest

from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions, warn_of_cuts
from biolord_onnx.errors import InputError, TruncationWarning
from unit.runtime.tiny_artifact import MAX_LENGTH

LONG = "cat " * 40
TEXTS = [LONG, "cat", LONG]
MESSAGE = f"2 of 3 texts have more than {MAX_LENGTH} tokens and were cut: overflow='window' reads all of a text"


@pytest.mark.parametrize(
    ("options", "message"),
    [({"overflow": "cut"}, "overflow is 'cut', expected one of"), ({"precision": "f4"}, "precision is 'f4', expected")],
)
def test_names_are_checked_where_options_are_made(options: dict[str, str], message: str) -> None:
    """A cluster's workers would say so only when the first text comes."""
    with pytest.raises(InputError, match=message):
        EncodeOptions(**options)  # type: ignore[arg-type]


def test_texts_that_were_cut_are_told(embedder: Embedder) -> None:
    """Once a call, in the caller's own place, and with the vectors of the library."""
    options = pickle.loads(pickle.dumps(EncodeOptions(normalize=True)))  # noqa: S301 - our own
    with pytest.warns(TruncationWarning, match=MESSAGE) as caught:
        found = options.encode_aloud(embedder, TEXTS)
    assert [warning.filename for warning in caught] == [__file__]
    np.testing.assert_array_equal(found.vectors, embedder.encode_with_info(TEXTS, normalize=True).vectors)


def test_each_call_is_told_of(embedder: Embedder) -> None:
    """Python shows equal warnings of one place only once; a count that comes twice is no repetition."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            EncodeOptions().encode_aloud(embedder, TEXTS)
    assert len(caught) == 3


def test_who_asks_for_silence_has_it(embedder: Embedder) -> None:
    """Python's filters apply, and `encode` says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        EncodeOptions().encode_aloud(embedder, TEXTS)
    EncodeOptions().encode(embedder, TEXTS)


@pytest.mark.parametrize("texts", [["cat"], []])
def test_nothing_is_said_of_texts_that_fit(embedder: Embedder, texts: list[str]) -> None:
    """Warnings are errors here."""
    EncodeOptions().encode_aloud(embedder, texts)
    warn_of_cuts(0, 5, 8)


def test_other_ways_with_long_texts(embedder: Embedder) -> None:
    """Windows cut nothing; an error is one."""
    found = EncodeOptions(overflow="window").encode_aloud(embedder, TEXTS)
    np.testing.assert_array_equal(found.vectors, embedder.encode(TEXTS, overflow="window"))
    with pytest.raises(InputError, match=r"texts\[0\] has"):
        EncodeOptions(overflow="error").encode_aloud(embedder, TEXTS)
