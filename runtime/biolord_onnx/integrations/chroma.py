"""Chroma."""

from __future__ import annotations

from typing import Any, cast

import numpy as np

from biolord_onnx.artifact.prompts import DOCUMENT, QUERY
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.settings import Overflow
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.loading import LoadOptions

try:
    from chromadb.api.types import Documents, EmbeddingFunction, Embeddings, Space
    from chromadb.utils.embedding_functions import register_embedding_function
except ImportError as error:
    raise MissingDependencyError(f"this adapter needs Chroma: {install_hint('chroma')}") from error

NAME = "biolord_onnx"


@register_embedding_function
class BiolordEmbeddingFunction(EmbeddingFunction[Documents]):
    """Chroma's embedding function from an artifact; a collection remembers it.

    Documents and queries get the checkpoint's prompts ``document`` and ``query``, where it has them.
    """

    def __init__(
        self,
        path: str,
        normalize: bool = True,
        provider: str = "auto",
        threads: int | None = None,
        overflow: Overflow = "truncate",
    ) -> None:
        """Say where the artifact is.

        Args:
            path: Artifact folder, or name of an installed artifact.
            normalize: Unit vectors.
            provider: As of `Embedder.load`.
            threads: Likewise.
            overflow: As of `Embedder.encode`; one `TruncationWarning` a call tells of texts that are cut.
        """
        self.normalize = normalize
        self.options = EncodeOptions(normalize or None, overflow=overflow)
        self.session = LoadOptions(str(path), provider, threads)

    def __call__(self, input: Documents) -> Embeddings:  # noqa: A002 - Chroma checks the name
        """Return float32 arrays [dim], one a document."""
        return self._encode(input, DOCUMENT)

    def embed_query(self, input: Documents) -> Embeddings:  # noqa: A002 - Chroma checks the name
        """Return float32 arrays [dim], one a query."""
        return self._encode(input, QUERY)

    def _encode(self, texts: Documents, prompt_name: str) -> Embeddings:
        embedder = self.session.embedder()
        info = self.options.for_prompt(embedder, prompt_name).encode_aloud(embedder, texts)
        return cast("Embeddings", list(info.vectors.astype(np.float32, copy=False)))

    @staticmethod
    def name() -> str:
        """Name the function in what Chroma writes."""
        return NAME

    def default_space(self) -> Space:
        """Compare by cosine, as BioLORD was trained."""
        return "cosine"

    def supported_spaces(self) -> list[Space]:
        """List what the vectors can be compared by."""
        return ["cosine", "l2", "ip"]

    @staticmethod
    def build_from_config(config: dict[str, Any]) -> BiolordEmbeddingFunction:
        """Make the function that a collection remembers."""
        return BiolordEmbeddingFunction(**config)

    def get_config(self) -> dict[str, Any]:
        """Return what a collection remembers."""
        session = self.session
        return {
            "path": session.path,
            "normalize": self.normalize,
            "provider": session.provider,
            "threads": session.threads,
            "overflow": self.options.overflow,
        }
