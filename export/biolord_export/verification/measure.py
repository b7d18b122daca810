"""Measure an artifact against a reference, through the runtime that users will run."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.corpus import MEDICAL_KINDS, PAIRS
from biolord_export.errors import CheckpointError
from biolord_export.progress import track
from biolord_export.verification.fidelity import OVERFLOW, compare, judge
from biolord_onnx.artifact.manifest import BatchInvariance
from biolord_onnx.errors import NotFiniteError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from biolord_export.checkpoint.weights import Float32
    from biolord_export.verification.fidelity import FidelityGate, FidelityReport, GroupFidelity
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.encoding.texts import Inputs

    UnitVectors = Callable[[Inputs], Float32]

INVARIANCE_TEXTS = 48
SLICE = 128
"""Texts encoded between two moves of the progress bar."""


def measure_fidelity(
    found: UnitVectors, exact: UnitVectors, texts: Mapping[str, Inputs], gate: FidelityGate, reference: str
) -> FidelityReport:
    """Encode texts with an artifact and with its reference, and compare.

    Args:
        found: Gives the unit vectors, float32 [n, dim], of n texts by the artifact to measure.
        exact: Gives them by the reference.
        texts: Texts, or pairs of them, by kind.
        gate: What must be reached.
        reference: What the reference is, for the report.
    """
    return judge(reference, compare_encoders(found, exact, texts), gate, (*MEDICAL_KINDS, PAIRS))


def compare_encoders(found: UnitVectors, exact: UnitVectors, texts: Mapping[str, Inputs]) -> list[GroupFidelity]:
    """Encode texts of several kinds in two ways, and compare."""
    return [
        compare(kind, lines, _in_slices(exact, lines, f"{kind}, reference"), _in_slices(found, lines, kind))
        for kind, lines in texts.items()
    ]


def measure_invariance(embedder: Embedder, texts: Sequence[str]) -> BatchInvariance:
    """Compare each text's vector alone with the one it has among others.

    Raises:
        CheckpointError: A vector isn't finite.
    """
    some = list(dict.fromkeys(texts))[:INVARIANCE_TEXTS]
    try:
        together = _in_slices(unit_vectors(embedder), some, "batches")
        alone = np.stack([_encode(embedder, text) for text in track(some, "alone")])
    except NotFiniteError as error:
        raise CheckpointError(f"the artifact yields vectors that aren't finite: {OVERFLOW}") from error
    bound = float(np.abs(together - alone).max())
    return BatchInvariance(bound, f"measured at export on {len(some)} texts, alone and together")


def unit_vectors(embedder: Embedder) -> UnitVectors:
    """Return the function that encodes n texts with an artifact, to float32 [n, dim]."""
    return partial(_encode, embedder)


def _in_slices(encode: UnitVectors, texts: Inputs, label: str) -> Float32:
    slices = [texts[start : start + SLICE] for start in range(0, len(texts), SLICE)]
    return np.concatenate([encode(some) for some in track(slices, f"verifying {label}")])


def _encode(embedder: Embedder, texts: str | Inputs) -> Float32:
    # Without `encode`'s warning of texts that were cut: both sides cut the same texts at the same token.
    return embedder.encode_with_info(texts, normalize=True).vectors.astype(np.float32, copy=False)
