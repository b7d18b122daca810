"""Everything that a server process serves: opened together, closed together."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace

from biolord_onnx.server.problems import NOT_FOUND, ApiError
from biolord_onnx.server.rerank import RerankService
from biolord_onnx.server.search import SearchService
from biolord_onnx.server.service import Service
from biolord_onnx.server.settings import ServerSettings


@dataclass(frozen=True, slots=True)
class Services:
    """What is served.

    Attributes:
        vectors: The artifact.
        search: The index, None without one.
        rerank: The cross-encoder, None without one.
    """

    vectors: Service
    search: SearchService | None
    rerank: RerankService | None

    @classmethod
    def open(cls, settings: ServerSettings) -> Services:
        """Load all that the settings name.

        Raises:
            BiolordError: Something is damaged, can't run here, or doesn't belong together.
        """
        with ExitStack() as opened:
            vectors = Service(settings)
            opened.callback(vectors.close)
            search = None
            if settings.index is not None:
                search = SearchService(vectors)
                opened.callback(search.close)
            rerank = None if settings.reranker is None else RerankService(vectors)
            opened.pop_all()
            return cls(vectors, search, rerank)

    def fixed(self, settings: ServerSettings) -> ServerSettings:
        """Return settings for what was loaded: a worker that is started anew, days later, serves that or nothing."""
        return replace(
            settings,
            fingerprint=self.vectors.fingerprint,
            index_fingerprint=None if self.search is None else self.search.index.fingerprint,
            reranker_fingerprint=None if self.rerank is None else self.rerank.reranker.fingerprint,
        )

    def searching(self) -> SearchService:
        """Return what searches.

        Raises:
            ApiError: Nothing does.
        """
        if self.search is None:
            raise ApiError(NOT_FOUND, "this server has no index to search: start it with --index INDEX")
        return self.search

    def reranking(self) -> RerankService:
        """Return what reranks.

        Raises:
            ApiError: Nothing does.
        """
        if self.rerank is None:
            raise ApiError(NOT_FOUND, "this server has no reranker: start it with --reranker ARTIFACT")
        return self.rerank

    async def warm(self) -> None:
        """Compute something with all that computes."""
        await self.vectors.warm()
        if self.rerank is not None:
            await self.rerank.warm()

    def close(self) -> None:
        """End the threads; texts that were accepted are done first."""
        self.vectors.close()
        for one in (self.search, self.rerank):
            if one is not None:
                one.close()

    @property
    def healthy(self) -> bool:
        """Whether every thread that answers wait for is alive."""
        searching = self.search is None or self.search.scanner.alive
        return self.vectors.healthy and searching and (self.rerank is None or self.rerank.lane.alive)
