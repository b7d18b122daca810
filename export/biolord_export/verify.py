"""Measure an artefact against a reference, through the runtime that users will run."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.corpus import MEDICAL_KINDS
from biolord_export.fidelity import compare, judge
from biolord_export.progress import track
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import TruncationWarning
from biolord_onnx.manifest import BatchInvariance

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biolord_export.fidelity import FidelityReport, Gate
    from biolord_export.weights import Float32

INVARIANCE_TEXTS = 48
SLICE = 128
"""Texts encoded between two moves of the progress bar."""


def measure_fidelity(
    found: Embedder, exact: Embedder, texts: Mapping[str, Sequence[str]], gate: Gate, reference: str
) -> FidelityReport:
    """Encode texts with an artefact and with its reference, and compare.

    Args:
        found: The artefact to measure.
        exact: The reference.
        texts: Texts by kind.
        gate: What must be reached.
        reference: What the reference is, for the report.
    """
    groups = [
        compare(kind, lines, _unit_vectors(exact, lines, f"{kind}, reference"), _unit_vectors(found, lines, kind))
        for kind, lines in texts.items()
    ]
    return judge(reference, groups, gate, MEDICAL_KINDS)


def measure_invariance(embedder: Embedder, texts: Sequence[str]) -> BatchInvariance:
    """Compare each text's vector alone with the one it has among others."""
    some = list(dict.fromkeys(texts))[:INVARIANCE_TEXTS]
    together = _unit_vectors(embedder, some, "batches")
    alone = np.stack([embedder.encode(text, normalize=True) for text in track(some, "alone")])
    bound = float(np.abs(together - alone).max())
    return BatchInvariance(bound, f"measured at export on {len(some)} texts, alone and together")


def _unit_vectors(embedder: Embedder, texts: Sequence[str], label: str) -> Float32:
    slices = [texts[start : start + SLICE] for start in range(0, len(texts), SLICE)]
    with _ignored_truncation():
        return np.concatenate([embedder.encode(some, normalize=True) for some in track(slices, f"verifying {label}")])


@contextmanager
def _ignored_truncation() -> Iterator[None]:
    # Both sides cut the same texts at the same token: the comparison is fair.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", TruncationWarning)
        yield
