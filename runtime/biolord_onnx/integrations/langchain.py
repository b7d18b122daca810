"""LangChain."""

from __future__ import annotations

from biolord_onnx.artifact.prompts import DOCUMENT, QUERY
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.settings import Overflow
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.loading import LoadOptions

try:
    from langchain_core.embeddings import Embeddings
except ImportError as error:
    raise MissingDependencyError(f"this adapter needs LangChain: {install_hint('langchain')}") from error


class BiolordEmbeddings(Embeddings):
    """LangChain's ``Embeddings`` from an artifact. Loaded at first use, safe between threads.

    Documents and queries get the checkpoint's prompts ``document`` and ``query``, where it has them.
    """

    def __init__(
        self,
        path: str,
        *,
        normalize: bool = True,
        overflow: Overflow = "truncate",
        provider: str = "auto",
        threads: int | None = None,
    ) -> None:
        """Say where the artifact is.

        Args:
            path: Artifact folder, or name of an installed artifact.
            normalize: Unit vectors, which LangChain's stores expect for cosine similarity.
            overflow: As of `Embedder.encode`; one `TruncationWarning` a call tells of texts that are cut.
            provider: As of `Embedder.load`.
            threads: Likewise.
        """
        self.options = EncodeOptions(normalize or None, overflow=overflow)
        self.session = LoadOptions(str(path), provider, threads)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Return a vector a text."""
        return self._encode(texts, DOCUMENT)

    def embed_query(self, text: str) -> list[float]:
        """Return the vector of a text."""
        return self._encode([text], QUERY)[0]

    def _encode(self, texts: list[str], prompt_name: str) -> list[list[float]]:
        embedder = self.session.embedder()
        options = self.options.for_prompt(embedder, prompt_name)
        found: list[list[float]] = options.encode_aloud(embedder, texts).vectors.tolist()
        return found
