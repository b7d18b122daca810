"""Embedders that are loaded when they are first needed, once a process however many objects ask for one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Lock

from biolord_onnx.artifact.folder import find_fingerprint
from biolord_onnx.embedder import Embedder
from biolord_onnx.session.cores import available_cores


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How a process loads an artifact; the keywords of `Embedder.load`. Travels between processes, as no embedder can.

    Attributes:
        path: The artifact's folder, or the name of an installed one.
        provider: As of `Embedder.load`.
        threads: Likewise.
        fingerprint: Likewise.
    """

    path: str
    provider: str = "auto"
    threads: int | None = None
    fingerprint: str | None = None

    def shared(self, workers: int) -> LoadOptions:
        """Return the options of each of several processes that share the cores."""
        return replace(self, threads=max(1, available_cores(self.threads).count // workers))

    def pinned(self) -> LoadOptions:
        """Return options that accept no artifact but the one that is there now; these, if it isn't on this machine.

        Raises:
            ArtifactError: Its manifest can't be read.
        """
        return replace(self, fingerprint=self.fingerprint or find_fingerprint(self.path))

    def load(self) -> Embedder:
        """Load the artifact so."""
        return Embedder.load(
            self.path,
            provider=self.provider,
            threads=self.threads,
            fingerprint=self.fingerprint,
        )

    def embedder(self) -> Embedder:
        """Return the process's embedder with these options, loaded by the first call and kept until the process ends.

        Raises:
            BiolordError: As `Embedder.load`.
        """
        with _lock:
            if self not in _loaded:
                _loaded[self] = self.load()
            return _loaded[self]


_loaded: dict[LoadOptions, Embedder] = {}
_lock = Lock()
