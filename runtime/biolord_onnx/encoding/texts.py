"""What counts as texts: one string, or any iterable of strings; equal strings are encoded once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.errors import InputError

TextInput = str | Iterable[str]


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
    """Texts behind a prompt.

    Attributes:
        texts: With it.
        skipped: Leading tokens of each that aren't pooled.
    """

    texts: list[str]
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class DistinctTexts:
    """The different strings among n texts.

    Attributes:
        texts: M different strings in order of first occurrence.
        rows: int64 [m], where each occurs first.
        copies: int64 [n - m], positions of the repetitions.
        originals: int64 [n - m], for each repetition where its string occurs first.
    """

    texts: list[str]
    rows: NDArray[np.int64]
    copies: NDArray[np.int64]
    originals: NDArray[np.int64]


def distinct(texts: Sequence[str]) -> DistinctTexts:
    """Find the different strings among texts."""
    first: dict[str, int] = {}
    origin = np.array([first.setdefault(text, row) for row, text in enumerate(texts)], dtype=np.int64)
    copies = np.flatnonzero(origin != np.arange(len(texts)))
    return DistinctTexts(list(first), np.array([*first.values()], dtype=np.int64), copies, origin[copies])
