"""LlamaIndex."""

from __future__ import annotations

import asyncio
from typing import Any

from biolord_onnx.artifact.prompts import DOCUMENT, QUERY
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.settings import Overflow
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.loading import LoadOptions

try:
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from llama_index.core.bridge.pydantic import Field
except ImportError as error:
    raise MissingDependencyError(f"this adapter needs LlamaIndex: {install_hint('llama-index')}") from error


class BiolordEmbedding(BaseEmbedding):
    """LlamaIndex's ``BaseEmbedding`` from an artifact. Loaded at first use.

    Texts and queries get the checkpoint's prompts ``document`` and ``query``, where it has them.

    Attributes:
        path: Artifact folder, or name of an installed artifact.
        normalize: Unit vectors.
        overflow: As of `Embedder.encode`; one `TruncationWarning` a call tells of texts that are cut.
        provider: As of `Embedder.load`.
        threads: Likewise.
    """

    path: str = Field(description="artifact folder, or name of an installed artifact")
    normalize: bool = Field(default=True, description="unit vectors")
    overflow: Overflow = Field(default="truncate", description="truncate, error or window")
    provider: str = Field(default="auto", description="execution provider")
    threads: int | None = Field(default=None, description="cores of one run; None for those available")

    def __init__(self, path: str, **settings: Any) -> None:  # noqa: ANN401 - pydantic's fields, checked by it
        """Say where the artifact is; further keywords are the attributes."""
        # Every text of a call at once: the runtime makes its own batches.
        super().__init__(**{"path": str(path), "model_name": str(path), "embed_batch_size": 2048} | settings)

    @classmethod
    def class_name(cls) -> str:
        """Name the class in what LlamaIndex writes."""
        return "BiolordEmbedding"

    def _encode(self, texts: list[str], prompt_name: str = DOCUMENT) -> list[list[float]]:
        embedder = LoadOptions(self.path, self.provider, self.threads).embedder()
        options = EncodeOptions(self.normalize or None, overflow=self.overflow).for_prompt(embedder, prompt_name)
        found: list[list[float]] = options.encode_aloud(embedder, texts).vectors.tolist()
        return found

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._encode(texts)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._encode([text])[0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._encode([query], QUERY)[0]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return await asyncio.to_thread(self._get_query_embedding, query)

    async def _aget_text_embedding(self, text: str) -> list[float]:
        return await asyncio.to_thread(self._get_text_embedding, text)

    async def _aget_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return await asyncio.to_thread(self._get_text_embeddings, texts)
