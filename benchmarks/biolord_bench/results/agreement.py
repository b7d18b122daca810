"""How faithful a row's vectors are: compared as the workers wrote them, or as a manifest states it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from biolord_bench.results.figures import BatchDependence, Fidelity
from biolord_onnx.artifact.json_fields import Fields, JSONObject
from biolord_onnx.errors import ArtifactError

STATED_KIND = "names"


class NotComparableError(ValueError):
    """Vectors of different texts or lengths, or vectors without a direction."""


def fidelity(stem: str, reference: str, against: str) -> Fidelity:
    """Compare the files ``-all.npy`` of a row and of the reference, which is called ``against``; see `cosines`."""
    found = cosines(np.load(f"{stem}-all.npy"), np.load(f"{reference}-all.npy"))
    return Fidelity(float(found.mean()), float(found.min()), len(found), against)


def batch_dependence(stem: str) -> BatchDependence:
    """Compare a row's ``-alone.npy`` with its ``-batch.npy``, the same texts in mixed batches; see `cosines`."""
    found = cosines(np.load(f"{stem}-alone.npy"), np.load(f"{stem}-batch.npy"))
    return BatchDependence(1 - float(found.mean()), 1 - float(found.min()), len(found))


def cosines(vectors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compare two arrays [n, dim] row by row.

    Returns:
        float64 [n].

    Raises:
        NotComparableError: They have different shapes, or a vector has no direction.
    """
    if vectors.shape != others.shape:
        raise NotComparableError(f"vectors are {vectors.shape}, the reference's {others.shape}: another model or texts")
    found: NDArray[np.float64] = (_unit(vectors) * _unit(others)).sum(axis=1)
    return found


def stated_fidelity(report: JSONObject | None) -> Fidelity | None:
    """Return what a manifest's ``fidelity`` states for names, or None where it states nothing of the kind."""
    if report is None or "groups" not in report:
        return None
    fields = Fields("fidelity", report)
    try:
        group = next(group for group in fields.children("groups") if group.text("kind") == STATED_KIND)
        mean, minimum = group.number("cosine_mean", least=-1), group.number("cosine_min", least=-1)
        return Fidelity(mean, minimum, group.integer("texts", least=1), fields.text("reference"))
    except (StopIteration, ArtifactError):
        return None


def _unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    # In double precision, because 1 - cosine is what is looked at, and that is near float32's last digit.
    precise = vectors.astype(np.float64)
    lengths = np.linalg.norm(precise, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise NotComparableError("a vector is zero, or isn't finite")
    unit: NDArray[np.float64] = precise / lengths
    return unit
