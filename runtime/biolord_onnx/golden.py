"""Whether this machine gives the bits that an artifact's vectors have everywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.manifest import Golden

if TYPE_CHECKING:
    from biolord_onnx.embedder import Embedder


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """What golden texts came to here.

    Attributes:
        texts: how many.
        expected: SHA-256 by the manifest.
        found: SHA-256 of the vectors that this machine computed.
    """

    texts: int
    expected: str
    found: str

    @property
    def same(self) -> bool:
        """Whether they are the same bits."""
        return self.expected == self.found


def digest(vectors: NDArray[np.float32]) -> str:
    """Return the SHA-256 of vectors [n, dim]: float32 in little-endian order, one after another."""
    return hashlib.sha256(np.ascontiguousarray(vectors, dtype="<f4").tobytes()).hexdigest()


def make_golden(embedder: Embedder, texts: tuple[str, ...]) -> Golden:
    """Encode texts and note the vectors' bits."""
    return Golden(texts, digest(embedder.encode_with_info(texts).vectors))


def check_golden(embedder: Embedder) -> GoldenCheck | None:
    """Encode an artifact's golden texts again; None where it has none.

    Raises:
        BiolordError: as `Embedder.encode`.
    """
    golden = embedder.manifest.golden
    if golden is None:
        return None
    return GoldenCheck(len(golden.texts), golden.sha256, make_golden(embedder, golden.texts).sha256)
