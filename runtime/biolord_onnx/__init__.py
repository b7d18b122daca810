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
    from biolord_onnx.index.building.options import BuildOptions
    from biolord_onnx.index.building.vocabulary import Name, Synonyms, Vocabulary
    from biolord_onnx.index.hits import Hit
    from biolord_onnx.index.index import Index
    from biolord_onnx.reranker import Ranked, Reranker, ScoreInfo

__version__ = "0.1.0"

__all__ = [
    "Artifact",
    "ArtifactError",
    "BiolordError",
    "BuildOptions",
    "Embedder",
    "EncodeInfo",
    "Hit",
    "Index",
    "InputError",
    "Manifest",
    "MissingDependencyError",
    "Name",
    "ProviderError",
    "Ranked",
    "Reranker",
    "ScoreInfo",
    "Synonyms",
    "TruncationWarning",
    "Vocabulary",
    "open_artifact",
]

_HOME = {
    "Artifact": "biolord_onnx.artifact.folder",
    "BuildOptions": "biolord_onnx.index.building.options",
    "Embedder": "biolord_onnx.embedder",
    "EncodeInfo": "biolord_onnx.encoding.info",
    "Hit": "biolord_onnx.index.hits",
    "Index": "biolord_onnx.index.index",
    "Manifest": "biolord_onnx.artifact.manifest",
    "Ranked": "biolord_onnx.reranker",
    "Reranker": "biolord_onnx.reranker",
    "ScoreInfo": "biolord_onnx.reranker",
    "Name": "biolord_onnx.index.building.vocabulary",
    "Synonyms": "biolord_onnx.index.building.vocabulary",
    "Vocabulary": "biolord_onnx.index.building.vocabulary",
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
