"""Everything that a server process serves: opened together, closed together."""

from __future__ import annotations

from dataclasses import dataclass, replace

from biolord_onnx.server.search import SearchService
from biolord_onnx.server.service import Service
from biolord_onnx.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Services:
    """What is served.

    Attributes:
        vectors: the artifact.
        search: the index, None without one.
    """

    vectors: Service
    search: SearchService | None

    @classmethod
    def open(cls, settings: ServerSettings) -> Services:
        """Load all that the settings name.

        Raises:
            BiolordError: something is damaged, can't run here, or doesn't belong together.
        """
        vectors = Service(settings)
        try:
            return cls(vectors, None if settings.index is None else SearchService(vectors))
        except BaseException:
            vectors.close()
            raise

    def fixed(self, settings: ServerSettings) -> ServerSettings:
        """Return settings for what was loaded: a worker that is started anew, days later, serves that or nothing."""
        index = None if self.search is None else self.search.index.fingerprint
        return replace(settings, fingerprint=self.vectors.fingerprint, index_fingerprint=index)

    def close(self) -> None:
        """End the threads; texts that were accepted are done first."""
        self.vectors.close()
        if self.search is not None:
            self.search.close()

    @property
    def healthy(self) -> bool:
        """Whether vectors can be computed, and the index searched."""
        return self.vectors.healthy and (self.search is None or self.search.scanner.alive)
