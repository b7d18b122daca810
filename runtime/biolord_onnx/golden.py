"""Whether this machine gives the bits that an artifact's vectors have everywhere."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.manifest import Golden

if TYPE_CHECKING:
    from biolord_onnx.artifact.folder import Artifact
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.reranker import Reranker


@dataclass(frozen=True, slots=True)
class GoldenCheck:
    """What golden texts came to here.

    Attributes:
        texts: How many.
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


def make_golden_scores(reranker: Reranker, texts: tuple[str, ...]) -> Golden:
    """Score all texts but the first for the first, and note the bits before the activation."""
    query, *others = texts
    return Golden(texts, digest(reranker.score_with_info(query, others).logits))


def check_golden(artifact: Artifact) -> GoldenCheck | None:
    """Load an artifact, unless its files were altered, and compute its golden texts again; None where it has none.

    Args:
        artifact: Whose hashes were verified.

    Raises:
        BiolordError: As `Embedder.load` and `Embedder.encode`.
    """
    golden = artifact.manifest.golden
    if golden is None:
        return None
    found = _recompute(artifact, golden.texts)
    return GoldenCheck(len(golden.texts), golden.sha256, found.sha256)


def _recompute(artifact: Artifact, texts: tuple[str, ...]) -> Golden:
    # Whoever only reads a manifest pays for neither.
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.reranker import Reranker

    path, fingerprint = artifact.path, artifact.fingerprint
    if artifact.manifest.reranking is not None:
        with Reranker.load(path, fingerprint=fingerprint, verify_hashes=False) as reranker:
            return make_golden_scores(reranker, texts)
    with Embedder.load(path, fingerprint=fingerprint, verify_hashes=False) as embedder:
        return make_golden(embedder, texts)
