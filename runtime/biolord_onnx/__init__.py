"""Biomedical text embeddings from a quantized ONNX artifact: numpy, onnxruntime and tokenizers, no torch.

Importing this package is cheap: numpy and onnxruntime are only imported with the first name that needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from biolord_onnx.errors import (
    ArtifactError,
    BiolordError,
    InputError,
    MissingDependencyError,
    ProviderError,
    TruncationWarning,
)

if TYPE_CHECKING:
    from biolord_onnx.artifact.folder import Artifact, open_artifact
    from biolord_onnx.artifact.manifest import Manifest
    from biolord_onnx.embedder import Embedder
    from biolord_onnx.encoding.info import EncodeInfo

__version__ = "0.1.0"

__all__ = [
    "Artifact",
    "ArtifactError",
    "BiolordError",
    "Embedder",
    "EncodeInfo",
    "InputError",
    "Manifest",
    "MissingDependencyError",
    "ProviderError",
    "TruncationWarning",
    "open_artifact",
]

_HOME = {
    "Artifact": "biolord_onnx.artifact.folder",
    "Embedder": "biolord_onnx.embedder",
    "EncodeInfo": "biolord_onnx.encoding.info",
    "Manifest": "biolord_onnx.artifact.manifest",
    "open_artifact": "biolord_onnx.artifact.folder",
}


def __getattr__(name: str) -> object:
    """Import a public name at its first use (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, imported already or not."""
    return sorted({*globals(), *__all__})
