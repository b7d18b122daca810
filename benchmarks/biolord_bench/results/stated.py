"""How faithful an artifact is, as its manifest says."""

from __future__ import annotations

from biolord_bench.results.figures import Fidelity
from biolord_onnx.artifact.json_fields import Fields, JSONObject
from biolord_onnx.errors import ArtifactError

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
