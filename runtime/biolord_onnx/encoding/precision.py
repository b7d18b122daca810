"""The number formats of a result, as sentence-transformers' ``quantize_embeddings`` defines them.

8-bit formats cut each dimension's range into 255 steps, binary ones keep the sign. sentence-transformers takes the
ranges from whatever is encoded, so that a vector depends on its neighbors; here they were measured at export, on the
calibration texts, and values outside are clipped.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.ranges import Ranges
from biolord_onnx.errors import InputError

Precision = Literal["float32", "float16", "int8", "uint8", "binary", "ubinary"]
# Of several number formats, which a type checker could tell apart by overloads only.
Vectors = NDArray[Any]

_STEPS = 255


@dataclass(frozen=True, slots=True)
class _Format:
    """How float32 [n, dim] is turned into a number format.

    Attributes:
        dtype: Of the result.
        convert: Does it.
        packed: Whether eight dimensions share a number.
        ranged: Whether it needs the ranges.
    """

    dtype: type[np.number[Any]]
    convert: Callable[[NDArray[np.float32], Ranges | None], Vectors]
    packed: bool = False
    ranged: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """A number format, ready to convert vectors to it.

    Attributes:
        name: Of the format.
        ranges: Of each dimension; None where none are needed.
    """

    name: Precision
    ranges: Ranges | None = None

    @property
    def dtype(self) -> type[np.number[Any]]:
        """Of the result."""
        return _FORMATS[self.name].dtype

    def width(self, dim: int) -> int:
        """Return how many numbers a vector of ``dim`` dimensions takes."""
        return -(-dim // 8) if _FORMATS[self.name].packed else dim

    def apply(self, vectors: NDArray[np.float32]) -> Vectors:
        """Convert float32 [n, dim] to [n, width]."""
        return _FORMATS[self.name].convert(vectors, self.ranges)


def check_precision(name: str) -> Precision:
    """Return a number format's name.

    Raises:
        InputError: There is no such format.
    """
    known = next((precision for precision in PRECISIONS if precision == name), None)
    if known is None:
        raise InputError(f"precision is {name!r}, expected one of {', '.join(map(repr, PRECISIONS))}")
    return known


def choose_conversion(name: str, read_ranges: Callable[[], Ranges | None]) -> Conversion:
    """Look a number format up.

    Args:
        name: Of the format.
        read_ranges: Gives the ranges of the artifact's dimensions, None if it holds none; called if they are needed.

    Raises:
        InputError: There is no such format, or it needs ranges and the artifact has none.
    """
    known = check_precision(name)
    if not _FORMATS[known].ranged:
        return Conversion(known)
    ranges = read_ranges()
    if ranges is None:
        raise InputError(
            f"precision is {name!r}, but the artifact holds no ranges of its dimensions: export it again, "
            "or take 'float16'"
        )
    return Conversion(known, ranges)


def _to_uint8(vectors: NDArray[np.float32], ranges: Ranges | None) -> NDArray[np.uint8]:
    assert ranges is not None
    lowest, highest = (np.array(ends, dtype=np.float32) for ends in (ranges.lowest, ranges.highest))
    steps = (highest - lowest) / np.float32(_STEPS)
    return np.clip((vectors - lowest) / np.where(steps == 0, 1, steps), 0, _STEPS).astype(np.uint8)


def _to_int8(vectors: NDArray[np.float32], ranges: Ranges | None) -> NDArray[np.int8]:
    return (_to_uint8(vectors, ranges) ^ np.uint8(128)).view(np.int8)


def _to_ubinary(vectors: NDArray[np.float32], _: Ranges | None) -> NDArray[np.uint8]:
    return np.packbits(vectors > 0, axis=-1)


def _to_binary(vectors: NDArray[np.float32], _: Ranges | None) -> NDArray[np.int8]:
    return (_to_ubinary(vectors, None) ^ np.uint8(128)).view(np.int8)


_FORMATS: dict[Precision, _Format] = {
    "float32": _Format(np.float32, lambda vectors, _: vectors),
    "float16": _Format(np.float16, lambda vectors, _: vectors.astype(np.float16)),
    "int8": _Format(np.int8, _to_int8, ranged=True),
    "uint8": _Format(np.uint8, _to_uint8, ranged=True),
    "binary": _Format(np.int8, _to_binary, packed=True),
    "ubinary": _Format(np.uint8, _to_ubinary, packed=True),
}
PRECISIONS: tuple[Precision, ...] = tuple(_FORMATS)
