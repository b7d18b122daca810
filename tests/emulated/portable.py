"""A tiny ``portable-int8`` artifact, made without optimum: its trace is written by hand."""

from __future__ import annotations

from pathlib import Path

from biolord_export.checkpoint.source import Checkpoint, open_checkpoint
from biolord_export.pipeline import ExportOptions, export_artifact
from biolord_export.portable.encoder import wrap_encoder
from biolord_export.portable.matching import match_weights
from biolord_export.portable.qdq import qdq_operators
from biolord_export.quantize.static8 import quantize_static8
from biolord_export.roads.road import Loaded, Written
from biolord_export.targets import INT8_FEATURES, Target
from biolord_export.verification.fidelity import FidelityGate
from unit.export.portable.traced import traced_bert


class TracedRoad:
    """The road of ``portable-int8``, but for the tracing."""

    def check(self, checkpoint: Checkpoint, target: str) -> None:
        """Refuse nothing."""

    def write(self, loaded: Loaded) -> Written:
        """Write the graph of a BERT."""
        weights = loaded.weights
        quantized, traced = quantize_static8(weights, loaded.statistics), traced_bert(weights)
        replaced = match_weights(traced, qdq_operators(weights, quantized))
        return Written(wrap_encoder(traced, weights.dim, loaded.checkpoint.pooling, replaced), quantized.reports)


def export_portable(bert: Path, out: Path) -> Path:
    """Export a BERT checkpoint; returns the artifact's folder."""
    target = Target(
        "portable-int8", "QDQ", TracedRoad(), FidelityGate(0.98, 0.9, 0.9), calibrated=True, cpu_any_of=INT8_FEATURES
    )
    export_artifact(open_checkpoint(str(bert)), out, ExportOptions(target))
    return out
