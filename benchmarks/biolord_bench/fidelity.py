"""How faithful an artefact is: as its manifest says, or measured against another artefact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from biolord_bench.figures import Fidelity
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.json_fields import Fields, JSONObject

KIND = "names"


def stated_fidelity(report: JSONObject | None) -> Fidelity | None:
    """Return what a manifest states for names, or None where it states nothing of the kind.

    Args:
        report: the manifest's ``fidelity``, which is the exporter's own.
    """
    if report is None or "groups" not in report:
        return None
    fields = Fields("fidelity", report)
    try:
        group = next(group for group in fields.children("groups") if group.text("kind") == KIND)
        return Fidelity(
            group.number("cosine_mean", least=-1),
            group.number("cosine_min", least=-1),
            group.integer("texts", least=1),
            fields.text("reference"),
        )
    except (StopIteration, ArtifactError):
        return None


def measured_fidelity(embedder: Embedder, reference: Embedder, texts: Sequence[str]) -> Fidelity:
    """Measure the cosines of an embedder's vectors to a reference's.

    Args:
        embedder: what is judged.
        reference: an artefact of the same checkpoint, such as its cpu-fp32.
        texts: one or more.

    Raises:
        InputError: the two have vectors of different lengths.
    """
    if embedder.dim != reference.dim:
        raise InputError(
            f"the reference {reference.manifest.name} has vectors of {reference.dim} numbers, "
            f"{embedder.manifest.name} of {embedder.dim}: give an artefact of the same checkpoint"
        )
    vectors, expected = (one.encode_with_info(texts, normalize=True).vectors for one in (embedder, reference))
    cosines = np.einsum("td,td->t", vectors, expected, dtype=np.float64)
    return Fidelity(float(cosines.mean()), float(cosines.min()), len(texts), reference.manifest.name)
