"""Let optimum trace a checkpoint's encoder. Nothing else imports torch, and this only when it is called."""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import TYPE_CHECKING

import onnx

from biolord_export.errors import ExportError
from biolord_export.portable.standard import OPSET
from biolord_export.scratch import scratch_folder
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.session.engine import import_onnxruntime

if TYPE_CHECKING:
    from biolord_export.checkpoint.source import Checkpoint

TASK = "feature-extraction"
TRACED_FILE = "traced.onnx"
NEEDED = {"torch": "torch", "transformers": "transformers", "optimum": "optimum-onnx"}
"""Modules, and the packages that bring them."""


def require_optimum(purpose: str) -> None:
    """Refuse at once, and not after minutes of calibration.

    Args:
        purpose: Who needs it, for the message.

    Raises:
        MissingDependencyError: torch, transformers or optimum-onnx isn't installed; names the pip command.
    """
    missing = [package for module, package in NEEDED.items() if find_spec(module) is None]
    if missing:
        raise MissingDependencyError(f"{purpose} {', '.join(missing)}: {install_hint('export', 'optimum')}")


def check_traceable(checkpoint: Checkpoint, target: str = "a portable target") -> None:
    """Refuse what can't be traced.

    Args:
        checkpoint: What would be.
        target: Which target asks, for messages.

    Raises:
        ExportError: Only some of its vocabulary is kept: what is traced has all of it.
        MissingDependencyError: torch, transformers or optimum-onnx isn't installed.
    """
    if checkpoint.vocabulary is not None:
        raise ExportError(f"{target} has the whole vocabulary: leave --keep-vocabulary out")
    require_optimum(f"{target} needs")


def trace_encoder(checkpoint: Checkpoint) -> onnx.ModelProto:
    """Trace the encoder alone, in float32: from token ids to ``last_hidden_state``.

    Raises:
        ExportError: As `check_traceable`.
        MissingDependencyError: As `check_traceable`.
    """
    check_traceable(checkpoint)
    import_onnxruntime()  # optimum's would leave its telemetry on
    from optimum.exporters.onnx import export
    from optimum.exporters.tasks import TasksManager
    from transformers import AutoModel

    folder = checkpoint.weights.parent
    model = AutoModel.from_pretrained(
        folder,
        local_files_only=True,
        use_safetensors=checkpoint.weights.suffix == ".safetensors",
        # A fused attention is traced as what replaces it on each platform, not as what the checkpoint computes.
        attn_implementation="eager",
        # Some checkpoints ask for every layer's output, which would keep them all in memory.
        output_hidden_states=False,
        output_attentions=False,
    ).float()
    settings = TasksManager.get_exporter_config_constructor(
        "onnx", model_type=model.config.model_type, task=TASK, library_name="transformers"
    )(model.config)
    with scratch_folder("traced") as place, warnings.catch_warnings():
        # The tracer warns of each shape that it takes for fixed; that none is, the tests see.
        warnings.simplefilter("ignore")
        path = place / TRACED_FILE
        export(model, settings, path, opset=OPSET)
        return onnx.load(path)
