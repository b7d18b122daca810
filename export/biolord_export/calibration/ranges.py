"""Measure the range of each dimension, which 8-bit vectors are cut into."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_onnx.artifact.ranges import Ranges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from biolord_export.checkpoint.weights import Float32
    from biolord_onnx.embedder import Embedder

MOST_TEXTS = 500


def measure_ranges(embedder: Embedder, texts: Sequence[str]) -> dict[str, Ranges]:
    """Encode calibration texts, at most 500 of them at even distances, and look at each dimension.

    Returns:
        The ranges of each of the graph's outputs, by its name.
    """
    some = [texts[index] for index in np.linspace(0, len(texts) - 1, min(len(texts), MOST_TEXTS)).astype(int)]
    vectors = embedder.encode_with_info(some).vectors.astype(np.float32)
    units = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return {"sentence_embedding": _range(vectors), "unit_embedding": _range(units)}


def _range(vectors: Float32) -> Ranges:
    return Ranges(tuple(vectors.min(axis=0).tolist()), tuple(vectors.max(axis=0).tolist()))
