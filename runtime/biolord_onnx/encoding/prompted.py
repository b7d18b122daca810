"""Queries and documents: texts with the prompts that a checkpoint has for each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, Unpack, overload

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.prompts import DOCUMENT, QUERY
from biolord_onnx.encoding.keywords import EncodeKeywords
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.encoding.texts import TextInput


class PromptedEncoding(ABC):
    """What encodes queries and documents by ``encode``."""

    @property
    @abstractmethod
    def manifest(self) -> Manifest:
        """The artifact's manifest."""

    @overload
    def encode(
        self, texts: TextInput, *, convert_to_numpy: Literal[True] = True, **keywords: Unpack[EncodeKeywords]
    ) -> Vectors: ...

    @overload
    def encode(
        self, texts: TextInput, *, convert_to_numpy: bool, **keywords: Unpack[EncodeKeywords]
    ) -> Vectors | list[Vectors]: ...

    @abstractmethod
    def encode(
        self, texts: TextInput, *, convert_to_numpy: bool = True, **keywords: Unpack[EncodeKeywords]
    ) -> Vectors | list[Vectors]:
        """Encode texts."""

    def encode_query(self, texts: TextInput, **keywords: Unpack[EncodeKeywords]) -> Vectors:
        """Encode queries, each behind the checkpoint's prompt ``query``, if it has one.

        As `encode`, but for that; ``prompt`` or ``prompt_name`` ask for another prompt.
        """
        return self.encode(texts, **self._with_prompt(keywords, QUERY))

    def encode_document(self, texts: TextInput, **keywords: Unpack[EncodeKeywords]) -> Vectors:
        """Encode documents, each behind the checkpoint's prompt ``document``, if it has one.

        As `encode`, but for that; ``prompt`` or ``prompt_name`` ask for another prompt.
        """
        return self.encode(texts, **self._with_prompt(keywords, DOCUMENT))

    def _with_prompt(self, keywords: EncodeKeywords, name: str) -> EncodeKeywords:
        if keywords.get("prompt") is not None or keywords.get("prompt_name") is not None:
            return keywords
        return {**keywords, "prompt_name": self.manifest.prompts.named(name)}
