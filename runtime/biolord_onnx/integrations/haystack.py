"""Haystack."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any, ClassVar, Self

from biolord_onnx.artifact.prompts import DOCUMENT, QUERY
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.settings import Overflow
from biolord_onnx.errors import MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.loading import LoadOptions

try:
    from haystack import Document, component, default_from_dict, default_to_dict
except ImportError as error:
    raise MissingDependencyError(f"this adapter needs Haystack: {install_hint('haystack')}") from error


class _Embedding:
    """What both components share."""

    prompt_name: ClassVar[str]

    def __init__(self, session: LoadOptions, *, normalize: bool, overflow: Overflow) -> None:
        self.session = session
        self.normalize = normalize
        self.options = EncodeOptions(normalize or None, overflow=overflow)

    def warm_up(self) -> None:
        """Load the artifact."""
        self.session.embedder()

    def to_dict(self) -> dict[str, Any]:
        """Return what a pipeline's file holds of this component."""
        return dict(default_to_dict(self, **self._settings()))

    def _settings(self) -> dict[str, Any]:
        loading = asdict(self.session)
        del loading["fingerprint"]  # a pipeline's file names an artifact, whatever that holds when it is read
        return {"normalize": self.normalize, "overflow": self.options.overflow, **loading}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Make the component that a pipeline's file describes."""
        made: Self = default_from_dict(cls, data)
        return made

    def _encode(self, texts: list[str]) -> list[list[float]]:
        embedder = self.session.embedder()
        info = self.options.for_prompt(embedder, self.prompt_name).encode_aloud(embedder, texts)
        found: list[list[float]] = info.vectors.tolist()
        return found


@component
class BiolordTextEmbedder(_Embedding):
    """Haystack's component for queries: a string in, its embedding out.

    Queries get the checkpoint's prompt ``query``, where it has one.
    """

    prompt_name = QUERY

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
            normalize: Unit vectors.
            overflow: As of `Embedder.encode`; one `TruncationWarning` a call tells of texts that are cut.
            provider: As of `Embedder.load`.
            threads: Likewise.
        """
        # The decorator makes the class anew, so super() would speak of another one.
        session = LoadOptions(str(path), provider, threads)
        _Embedding.__init__(self, session, normalize=normalize, overflow=overflow)

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        """Embed a text.

        Raises:
            TypeError: It isn't a string; documents are for `BiolordDocumentEmbedder`.
        """
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__}, expected str: documents go to BiolordDocumentEmbedder")
        return {"embedding": self._encode([text])[0]}


@component
class BiolordDocumentEmbedder(_Embedding):
    """Haystack's component for indexing: documents in, the same with their embeddings out.

    Documents get the checkpoint's prompt ``document``, where it has one.
    """

    prompt_name = DOCUMENT

    def __init__(
        self,
        path: str,
        *,
        normalize: bool = True,
        overflow: Overflow = "truncate",
        provider: str = "auto",
        threads: int | None = None,
        meta_fields_to_embed: list[str] | None = None,
        embedding_separator: str = "\n",
    ) -> None:
        """Say where the artifact is.

        Args:
            path: Artifact folder, or name of an installed artifact.
            normalize: Unit vectors.
            overflow: As of `Embedder.encode`; one `TruncationWarning` a call tells of texts that are cut.
            provider: As of `Embedder.load`.
            threads: Likewise.
            meta_fields_to_embed: Fields of a document's meta to put before its content; missing ones are left out.
            embedding_separator: Between them.
        """
        # The decorator makes the class anew, so super() would speak of another one.
        session = LoadOptions(str(path), provider, threads)
        _Embedding.__init__(self, session, normalize=normalize, overflow=overflow)
        self.meta_fields_to_embed = meta_fields_to_embed or []
        self.embedding_separator = embedding_separator

    def to_dict(self) -> dict[str, Any]:
        """Return what a pipeline's file holds of this component."""
        return dict(
            default_to_dict(
                self,
                meta_fields_to_embed=self.meta_fields_to_embed,
                embedding_separator=self.embedding_separator,
                **self._settings(),
            )
        )

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Embed documents; those given are left as they are.

        Raises:
            TypeError: Something else than a list of documents is given.
        """
        whole: object = documents
        if not isinstance(whole, list) or not all(isinstance(one, Document) for one in whole):
            raise TypeError("documents is no list of Document: a single text goes to BiolordTextEmbedder")
        vectors = self._encode([self._text(one) for one in documents])
        return {"documents": [replace(one, embedding=vector) for one, vector in zip(documents, vectors, strict=True)]}

    def _text(self, document: Document) -> str:
        fields = [document.meta.get(name) for name in self.meta_fields_to_embed]
        return self.embedding_separator.join([*(str(field) for field in fields if field), document.content or ""])
