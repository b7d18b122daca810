"""Check that the packages of the ``export`` extra are there before a command needs them."""

from __future__ import annotations

from importlib.util import find_spec

from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint

NEEDED = ("onnx", "onnxruntime", "safetensors", "tqdm")


def require_export_extra(command: str) -> None:
    """Raise MissingDependencyError, naming the pip command, if a package is missing."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(f"biolord {command} needs {', '.join(missing)}: {install_hint('export')}")
