"""What counts as texts: one string, or any iterable of strings; or of pairs; equal ones are encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import InputError

TextPair = tuple[str, str]
TextInput = str | Iterable[str | Sequence[str]]
"""A string, or strings or pairs of them."""
Inputs = Sequence[str | TextPair]
"""Texts alone, or pairs alone."""
Input = TypeVar("Input", bound=str | TextPair)
PAIR = 2


def as_inputs(texts: object) -> Inputs:
    """Return a list of the texts, as `as_texts`, or of the pairs of texts: lists or tuples of two strings.

    Raises:
        TypeError: As of `as_texts`, or texts and pairs are mixed; the message names the position.
        InputError: As of `as_texts`.
    """
    if isinstance(texts, str):
        return as_texts(texts)
    listed: list[Any] = _listed(texts)
    if not listed or not isinstance(listed[0], list | tuple):
        return as_texts(listed)
    for index, pair in enumerate(listed):
        _check_pair(pair, index)
    return [(pair[0], pair[1]) for pair in listed]


def _check_pair(pair: object, index: int) -> None:
    if not isinstance(pair, list | tuple):
        raise TypeError(f"texts[{index}] is {type(pair).__name__}, texts before it are pairs: embed them in two calls")
    if len(pair) != PAIR:
        raise TypeError(f"texts[{index}] has {len(pair)} parts, expected a str or a pair of them")
    for place, text in enumerate(pair):
        if not isinstance(text, str):
            raise TypeError(f"texts[{index}][{place}] is {type(text).__name__}, expected str")
        if not text.isascii():
            _refuse_surrogates(text, index)


def singles_and_pairs(texts: Inputs) -> tuple[Sequence[str], Sequence[TextPair]]:
    """Return texts, or pairs; one of the two is empty."""
    if texts and not isinstance(texts[0], str):
        return (), cast("Sequence[TextPair]", texts)
    return cast("Sequence[str]", texts), ()


def put_before(prompt: str, texts: Inputs) -> Inputs:
    """Put a prompt in front of each text, of a pair in front of the first one, as sentence-transformers does."""
    singles, pairs = singles_and_pairs(texts)
    return [(prompt + one, other) for one, other in pairs] or [prompt + text for text in singles]


def characters(text: str | TextPair) -> int:
    """Count the characters of a text, or of both texts of a pair."""
    return len(text) if isinstance(text, str) else sum(map(len, text))


def as_texts(texts: object) -> list[str]:
    """Return a list of the texts; a single string becomes a list of one.

    Args:
        texts: A string, or a list, tuple, generator, numpy array, pandas Series ... of strings.

    Raises:
        TypeError: Not that; the message names the position of the first element that isn't a string.
        InputError: A text holds a lone surrogate, which no tokenizer can read.
    """
    listed = [texts] if isinstance(texts, str) else _listed(texts)
    for index, text in enumerate(listed):
        if not isinstance(text, str):
            raise TypeError(f"texts[{index}] is {type(text).__name__}, expected str")
        if not text.isascii():
            _refuse_surrogates(text, index)
    return listed


def _listed(texts: object) -> list[str]:
    if isinstance(texts, bytes | bytearray) or not isinstance(texts, Iterable):
        raise TypeError(f"texts is {type(texts).__name__}, expected a str or an iterable of str")
    if isinstance(texts, Mapping):
        raise TypeError(f"texts is {type(texts).__name__}, expected an iterable of str: give its keys or its values")
    # Iterating over a pandas DataFrame gives the names of its columns.
    if getattr(texts, "ndim", 1) != 1:
        shape = getattr(texts, "shape", "unknown")
        raise TypeError(f"texts is {type(texts).__name__} of shape {shape}, expected one dimension")
    return list(texts)


def _refuse_surrogates(text: str, index: int) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"texts[{index}] has a lone surrogate {text[error.start]!r} at character {error.start}: "
            "decode the original bytes as UTF-8"
        ) from error


@dataclass(frozen=True, slots=True)
class Prompted:
    """Texts or pairs behind a prompt.

    Attributes:
        texts: With it.
        skipped: Leading tokens of each that aren't pooled.
    """

    texts: Inputs
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class DistinctTexts(Generic[Input]):
    """The different ones among n texts or pairs.

    Attributes:
        texts: M different ones in order of first occurrence.
        rows: int64 [m], where each occurs first.
        copies: int64 [n - m], positions of the repetitions.
        originals: int64 [n - m], for each repetition where its like occurs first.
    """

    texts: list[Input]
    rows: NDArray[np.int64]
    copies: NDArray[np.int64]
    originals: NDArray[np.int64]

    def fill(self, *results: NDArray[Any]) -> None:
        """Copy results [n, ...] of the different ones to the repetitions."""
        for result in results:
            result[self.copies] = result[self.originals]


def distinct(texts: Sequence[Input]) -> DistinctTexts[Input]:
    """Find the different ones among texts or pairs."""
    first: dict[Input, int] = {}
    origin = np.array([first.setdefault(text, row) for row, text in enumerate(texts)], dtype=np.int64)
    copies = np.flatnonzero(origin != np.arange(len(texts)))
    return DistinctTexts(list(first), np.array([*first.values()], dtype=np.int64), copies, origin[copies])
