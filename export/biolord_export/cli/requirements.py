"""Check that the packages of the ``export`` extra are there before a command needs them."""

from __future__ import annotations

from importlib.util import find_spec

from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.session.engine import check_release, import_onnxruntime

NEEDED = ("onnx", "onnxruntime", "safetensors", "tqdm")


def require_export_extra(command: str) -> None:
    """Refuse to start without what will be needed, and with an onnxruntime whose vectors would be refused in the end.

    Raises:
        MissingDependencyError: A package is missing; names the pip command.
        ArtifactError: onnxruntime is older than any artifact needs.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(f"biolord {command} needs {', '.join(missing)}: {install_hint('export')}")
    check_release(import_onnxruntime().__version__)
