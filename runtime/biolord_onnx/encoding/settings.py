"""The keywords of ``encode``, checked and turned into settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from biolord_onnx.artifact.ranges import Ranges
from biolord_onnx.encoding.batching import DEFAULT_TOKEN_BUDGET
from biolord_onnx.encoding.precision import Conversion, choose_conversion
from biolord_onnx.errors import InputError
from biolord_onnx.session.session import Output

Overflow = Literal["truncate", "error", "window"]

OVERFLOWS: tuple[Overflow, ...] = ("truncate", "error", "window")


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """How to encode.

    Attributes:
        output: the graph's output to take.
        conversion: to the number format of the result.
        token_budget: most tokens of a run.
        max_texts: most texts of a run, or None.
        overflow: what happens to texts over the limit.
    """

    output: Output
    conversion: Conversion
    token_budget: int
    max_texts: int | None
    overflow: Overflow


def resolve_settings(
    *,
    normalized_checkpoint: bool,
    normalize: bool | None,
    batch_tokens: int | None,
    batch_size: int | None,
    overflow: str,
    precision: str,
    read_ranges: Callable[[Output], Ranges | None],
) -> EncodeSettings:
    """Check the keywords of ``encode``.

    Args:
        normalized_checkpoint: whether the checkpoint itself yields unit vectors.
        normalize: True for unit vectors, False for none, None for what the checkpoint yields.
        batch_tokens: most tokens of a run, None for the default.
        batch_size: most texts of a run, None for no limit.
        overflow: one of `OVERFLOWS`.
        precision: one of `biolord_onnx.encoding.precision.PRECISIONS`.
        read_ranges: gives the ranges that the artifact holds for an output, None if it holds none.

    Raises:
        InputError: a value is unknown or out of range, or asks for what the artifact doesn't hold.
    """
    if normalize is False and normalized_checkpoint:
        raise InputError(
            "normalize is False, but this checkpoint ends in a Normalize module and the artifact holds unit "
            "vectors only: leave normalize out"
        )
    budget = DEFAULT_TOKEN_BUDGET if batch_tokens is None else _at_least_one("batch_tokens", batch_tokens)
    output: Output = "unit_embedding" if normalize else "sentence_embedding"
    return EncodeSettings(
        output=output,
        conversion=choose_conversion(precision, lambda: read_ranges(output)),
        token_budget=budget,
        max_texts=None if batch_size is None else _at_least_one("batch_size", batch_size),
        overflow=check_overflow(overflow),
    )


def merge_normalize(normalize: bool | None, normalize_embeddings: bool) -> bool | None:
    """Join our ``normalize`` with sentence-transformers' ``normalize_embeddings``.

    There, False only means that no normalization is added to the checkpoint's own: our None.

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


def check_overflow(name: str) -> Overflow:
    """Return what is to be done with texts over the limit.

    Raises:
        InputError: there is no such way.
    """
    known = next((overflow for overflow in OVERFLOWS if overflow == name), None)
    if known is None:
        raise InputError(f"overflow is {name!r}, expected one of {', '.join(map(repr, OVERFLOWS))}")
    return known
