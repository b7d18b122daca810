"""The keywords of ``encode``, checked and turned into settings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from biolord_onnx.batching import DEFAULT_TOKEN_BUDGET
from biolord_onnx.errors import InputError
from biolord_onnx.session import Output

Overflow = Literal["truncate", "error", "window"]
Precision = Literal["float32", "float16", "int8", "binary"]

_OVERFLOWS = ("truncate", "error")
_LATER_OVERFLOWS = ("window",)
_PRECISIONS: dict[str, type[np.float32 | np.float16]] = {"float32": np.float32, "float16": np.float16}
_LATER_PRECISIONS = ("int8", "uint8", "binary", "ubinary")


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """How to encode.

    Attributes:
        output: the graph's output to take.
        dtype: of the result.
        token_budget: most tokens of a run.
        max_texts: most texts of a run, or None.
        refuse_overflow: whether a text over the limit is an error rather than cut.
    """

    output: Output
    dtype: type[np.float32 | np.float16]
    token_budget: int
    max_texts: int | None
    refuse_overflow: bool


def resolve_settings(
    *,
    normalized_checkpoint: bool,
    normalize: bool | None,
    batch_tokens: int | None,
    batch_size: int | None,
    overflow: str,
    precision: str,
) -> EncodeSettings:
    """Check the keywords of ``encode``.

    Args:
        normalized_checkpoint: whether the checkpoint itself yields unit vectors.
        normalize: True for unit vectors, False for none, None for what the checkpoint yields.
        batch_tokens: most tokens of a run, None for the default.
        batch_size: most texts of a run, None for no limit.
        overflow: ``truncate`` or ``error``.
        precision: ``float32`` or ``float16``.

    Raises:
        InputError: a value is unknown, out of range, not there yet, or asks for what the artefact doesn't
            hold.
    """
    if normalize is False and normalized_checkpoint:
        raise InputError(
            "normalize is False, but this checkpoint ends in a Normalize module and the artefact holds unit "
            "vectors only: leave normalize out"
        )
    budget = DEFAULT_TOKEN_BUDGET if batch_tokens is None else _at_least_one("batch_tokens", batch_tokens)
    return EncodeSettings(
        output="unit_embedding" if normalize else "sentence_embedding",
        dtype=_PRECISIONS[_choice("precision", precision, tuple(_PRECISIONS), _LATER_PRECISIONS)],
        token_budget=budget,
        max_texts=None if batch_size is None else _at_least_one("batch_size", batch_size),
        refuse_overflow=_choice("overflow", overflow, _OVERFLOWS, _LATER_OVERFLOWS) == "error",
    )


def merge_normalize(normalize: bool | None, normalize_embeddings: bool) -> bool | None:
    """Join our ``normalize`` with sentence-transformers' ``normalize_embeddings``.

    There, False only means that no normalisation is added to the checkpoint's own: our None.

    Raises:
        InputError: the two contradict each other.
    """
    if not normalize_embeddings:
        return normalize
    if normalize is False:
        raise InputError("normalize is False and normalize_embeddings is True: give one of them")
    return True


def _at_least_one(name: str, value: int) -> int:
    if value < 1:
        raise InputError(f"{name} is {value}, expected 1 or more")
    return value


def _choice(name: str, value: str, known: tuple[str, ...], later: tuple[str, ...]) -> str:
    choices = " or ".join(repr(choice) for choice in known)
    if value in later:
        raise InputError(f"{name}={value!r} comes with a later release: use {choices}")
    if value not in known:
        raise InputError(f"{name} is {value!r}, expected {choices}")
    return value
