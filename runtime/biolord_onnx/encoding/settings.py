"""The keywords of ``encode``, checked and turned into settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.ranges import Ranges
from biolord_onnx.encoding.batching import DEFAULT_TOKEN_BUDGET
from biolord_onnx.encoding.cutting import Cut, check_width
from biolord_onnx.encoding.precision import Conversion, Vectors, choose_conversion
from biolord_onnx.errors import InputError
from biolord_onnx.session.session import Output

Overflow = Literal["truncate", "error", "window"]

OVERFLOWS: tuple[Overflow, ...] = ("truncate", "error", "window")


@dataclass(frozen=True, slots=True)
class EncodeSettings:
    """How to encode.

    Attributes:
        output: The graph's output to take.
        conversion: To the number format of the result.
        token_budget: Most tokens of a run.
        max_texts: Most texts of a run, or None.
        overflow: What happens to texts over the limit.
        cut: How vectors are shortened; None where they aren't.
        skipped: Leading tokens of every text that aren't pooled.
    """

    output: Output
    conversion: Conversion
    token_budget: int
    max_texts: int | None
    overflow: Overflow
    cut: Cut | None = None
    skipped: int = 0

    def skipping(self, tokens: int) -> EncodeSettings:
        """Return these settings with leading tokens that aren't pooled.

        Raises:
            InputError: Texts are cut into windows, of which only the first begins with those tokens.
        """
        if tokens and self.overflow == "window":
            raise InputError(
                "overflow is 'window', but the checkpoint doesn't pool its prompt, which only a text's first window "
                "begins with: choose 'truncate' or 'error', or give prompt=''"
            )
        return replace(self, skipped=tokens)

    def width(self, dim: int) -> int:
        """Return the numbers of a vector in its format, of those that the graph gives ``dim`` numbers."""
        return self.conversion.width(self.cut.width if self.cut else dim)

    def apply(self, vectors: NDArray[np.float32]) -> Vectors:
        """Make of float32 [n, dim] what was asked for."""
        return self.conversion.apply(self.cut.apply(vectors) if self.cut else vectors)


def resolve_settings(
    manifest: Manifest,
    *,
    normalize: bool | None,
    truncate_dim: int | None,
    batch_tokens: int | None,
    batch_size: int | None,
    overflow: str,
    precision: str,
    read_ranges: Callable[[Output], Ranges | None],
) -> EncodeSettings:
    """Check the keywords of ``encode``.

    Args:
        manifest: Of the artifact.
        normalize: True for unit vectors, False for none, None for what the checkpoint yields.
        truncate_dim: Numbers that are left of a vector, None for all.
        batch_tokens: Most tokens of a run, None for the default.
        batch_size: Most texts of a run, None for no limit.
        overflow: One of `OVERFLOWS`.
        precision: One of `biolord_onnx.encoding.precision.PRECISIONS`.
        read_ranges: Gives the ranges that the artifact holds for an output, None if it holds none.

    Raises:
        InputError: A value is unknown or out of range, or asks for what the artifact doesn't hold.
    """
    if normalize is False and manifest.normalized:
        raise InputError(
            "normalize is False, but this checkpoint ends in a Normalize module and the artifact holds unit "
            "vectors only: leave normalize out"
        )
    budget = DEFAULT_TOKEN_BUDGET if batch_tokens is None else _at_least_one("batch_tokens", batch_tokens)
    cut = _choose_cut(truncate_dim, manifest.dim, unit=bool(normalize))
    output: Output = "unit_embedding" if normalize and not cut else "sentence_embedding"
    return EncodeSettings(
        output=output,
        conversion=choose_conversion(precision, lambda: _ranges(read_ranges(output), cut)),
        token_budget=budget,
        max_texts=None if batch_size is None else _at_least_one("batch_size", batch_size),
        overflow=check_overflow(overflow),
        cut=cut,
    )


def _choose_cut(asked: int | None, dim: int, *, unit: bool) -> Cut | None:
    width = dim if asked is None else check_width(asked, dim)
    return None if width == dim else Cut(width, unit)


def _ranges(ranges: Ranges | None, cut: Cut | None) -> Ranges | None:
    """Return the ranges of vectors that are cut: those of their dimensions, unless they are scaled after that."""
    if ranges is None or cut is None:
        return ranges
    if cut.unit:
        raise InputError(
            f"the artifact has no ranges of vectors that are cut to {cut.width} numbers and normalized after that: "
            "export it with --truncate-dim, or choose another precision"
        )
    return ranges.first(cut.width)


def merge_normalize(normalize: bool | None, normalize_embeddings: bool) -> bool | None:
    """Join our ``normalize`` with sentence-transformers' ``normalize_embeddings``.

    There, False only means that no normalization is added to the checkpoint's own: our None.

    Raises:
        InputError: The two contradict each other.
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
        InputError: There is no such way.
    """
    known = next((overflow for overflow in OVERFLOWS if overflow == name), None)
    if known is None:
        raise InputError(f"overflow is {name!r}, expected one of {', '.join(map(repr, OVERFLOWS))}")
    return known
