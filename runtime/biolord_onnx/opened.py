"""What embedders and rerankers have in common: an artifact, loaded until it is closed."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Generic, Self, TypeVar

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.encoding.model import Model
from biolord_onnx.errors import BiolordError

Loaded = TypeVar("Loaded", bound=Model)


class Opened(Generic[Loaded]):
    """An artifact, and what was made of it."""

    def __init__(self, artifact: Artifact, loaded: Loaded) -> None:
        """Take a checked artifact, and what was loaded from it; the class's ``load`` does both."""
        self._loaded: Loaded | None = loaded
        self._artifact = artifact
        self._provider = loaded.session.provider
        self._threads = loaded.session.threads

    @property
    def max_length(self) -> int:
        """Most tokens of a text, or of two together, special tokens included; longer ones are cut."""
        return self._artifact.manifest.max_length.value

    @property
    def provider(self) -> str:
        """The execution provider really used."""
        return self._provider

    @property
    def threads(self) -> int:
        """Cores that one run uses."""
        return self._threads

    @property
    def manifest(self) -> Manifest:
        """The artifact's manifest."""
        return self._artifact.manifest

    @property
    def path(self) -> Path:
        """The artifact's folder, absolute and without links."""
        return self._artifact.path

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the artifact's manifest: of two that have the same one, the files are the same."""
        return self._artifact.fingerprint

    def close(self) -> None:
        """Release the session; calls that run in other threads end undisturbed. Closing twice is fine."""
        self._loaded = None

    def __enter__(self) -> Self:
        """Return self."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def _open(self, verb: str) -> Loaded:
        """Return what is loaded; ``verb`` is what one does with it."""
        if self._loaded is None:
            raise BiolordError(f"this {type(self).__name__} is closed: load it again, or {verb} inside its with block")
        return self._loaded
