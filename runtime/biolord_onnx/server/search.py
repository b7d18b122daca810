"""From a request's texts to the nearest entries of an index: embedded as all texts are, then scanned."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from biolord_onnx.errors import ArtifactError, BiolordError
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import Index
from biolord_onnx.io.rows import is_blank
from biolord_onnx.printable import escape
from biolord_onnx.reranked import RerankedHit
from biolord_onnx.server.limits.amounts import check_amount
from biolord_onnx.server.limits.patience import while_wanted
from biolord_onnx.server.problems import EMPTY, FAILED, INVALID, TOO_MUCH, ApiError
from biolord_onnx.server.reorder import Order
from biolord_onnx.server.service import Service
from biolord_onnx.server.work.room import Room
from biolord_onnx.server.work.scanner import Scanner, Wish


@dataclass(frozen=True, slots=True)
class Searched:
    """An answer.

    Attributes:
        hits: Of each text, the best first.
        truncated: How many texts, and pairs of text and name, were cut.
        stages_ms: Milliseconds of each stage.
    """

    hits: Sequence[Sequence[Hit | RerankedHit]]
    truncated: int
    stages_ms: dict[str, float]


class SearchService:
    """One index, searched with the vectors of one artifact."""

    def __init__(self, service: Service) -> None:
        """Open the index that the settings name, and start the thread.

        Raises:
            BiolordError: It is damaged, or was built with another artifact than is served.
        """
        settings = service.settings
        assert settings.index is not None
        self.index = _open(settings.index, settings.index_fingerprint, settings.threads)
        self.index.check_artifact(service.manifest.name, service.fingerprint)
        self._service, self._limits = service, settings.limits
        self.scanner: Scanner[list[Hit]] = Scanner(self._scan, service.metrics.scanned)
        self.room = Room(self._limits.queue_queries, "queries")

    def close(self) -> None:
        """End the thread."""
        self.scanner.close()

    def describe(self) -> dict[str, Any]:
        """Tell what is searched."""
        index = self.index
        codes = index.manifest.counts.codes
        return {"rows": index.rows, "codes": codes, "columns": [*index.columns], "fingerprint": index.fingerprint}

    async def search(
        self, texts: Sequence[str], wish: Wish, *, truncate: bool | None, order: Order | None, request: Request
    ) -> Searched:
        """Find what is nearest to each of a request's texts.

        Args:
            texts: n of them.
            wish: What is asked for.
            truncate: Whether texts over the limit are cut; None does as the settings say.
            order: What is done with the hits; None to leave them as they are.
            request: Whose client is watched: when it hangs up, its texts leave the queues.

        Raises:
            ApiError: The texts are none, too many, too long or too much for now, or one is empty; the index has no such
                column, or fewer rows than hits are asked for; or something failed.
        """
        self._service.check_texts(texts)
        self._check(texts, wish)
        with self.room.hold(len(texts)):
            work = self._search(texts, wish, truncate=truncate, order=order)
            return await while_wanted(work, request, self._limits.timeout_s)

    async def lookup(self, codes: Sequence[str], *, request: Request) -> list[list[Hit]]:
        """Return all names of each code.

        Raises:
            ApiError: The codes are none, too many or too long, or have more names than a search may have hits; or the
                index has no codes.
        """
        check_amount(self._limits, len(codes), sum(map(len, codes)))
        if self.index.manifest.counts.codes is None:
            raise ApiError(INVALID, "the index has no codes: ask /search for names")
        look_up = partial(self._look_up, codes)
        return await while_wanted(self._service.heavy.run(len(codes), look_up), request, self._limits.timeout_s)

    def _look_up(self, codes: Sequence[str]) -> list[list[Hit]]:
        found, most = [], self._limits.hits
        left = most
        for code in codes:
            found.append(self.index.lookup(code, top=left + 1))
            left -= len(found[-1])
            if left < 0:
                raise ApiError(TOO_MUCH, f"the codes have more than {most} names, the limit: send several requests")
        return found

    async def _search(
        self, texts: Sequence[str], wish: Wish, *, truncate: bool | None, order: Order | None
    ) -> Searched:
        embedded = await self._service.embed_texts(texts, self._service.wanted(normalize=True), truncate=truncate)
        started = time.perf_counter()
        try:
            hits = await self.scanner.search(wish, texts, embedded.vectors)
        except BiolordError as error:
            raise ApiError(FAILED, f"the search failed: {error}") from error
        stages = embedded.stages_ms | {"scan": self._spent("scan", started)}
        if order is None:
            return Searched(hits, embedded.truncated, stages)
        started = time.perf_counter()
        put = await order.put(texts, hits)
        stages |= {"rerank": self._spent("rerank", started)}
        return Searched(put.hits, embedded.truncated + put.truncated, stages)

    def _spent(self, stage: str, started: float) -> float:
        """Note a stage; returns its milliseconds."""
        spent = time.perf_counter() - started
        self._service.metrics.stage(stage, spent)
        return 1000 * spent

    def _scan(self, wish: Wish, texts: Sequence[str], vectors: NDArray[np.float32]) -> list[list[Hit]]:
        return self.index.search(
            texts,
            vectors=vectors,
            top=wish.top,
            where=dict(wish.where),
            min_score=wish.min_score,
            all_names=wish.all_names,
        )

    def _check(self, texts: Sequence[str], wish: Wish) -> None:
        """Check queries and wish, without repeating a word of them."""
        if (empty := next((number for number, text in enumerate(texts) if is_blank(text)), None)) is not None:
            raise ApiError(EMPTY, f"query {empty} is empty: give a text to look for")
        if wish.top > self.index.rows:
            raise ApiError(INVALID, f"top is {wish.top}, the index has {self.index.rows} rows: ask for fewer")
        if wish.top > self._limits.top:
            raise ApiError(TOO_MUCH, f"top is {wish.top}, the limit is {self._limits.top}: ask for fewer")
        hits, most = len(texts) * wish.top, self._limits.hits
        if hits > most:
            raise ApiError(
                TOO_MUCH,
                f"{len(texts)} queries with top {wish.top} ask for {hits} hits, the limit is {most}: "
                "send several requests",
            )
        kept = self.index.columns
        if any(column not in kept for column, _ in wish.where):
            known = f"of {', '.join(map(escape, kept))} alone" if kept else "of none: leave it out"
            raise ApiError(INVALID, f"where names a column that the index doesn't keep, it has values {known}")


def _open(path: str, fingerprint: str | None, threads: int | None) -> Index:
    # The first process of a server reads all of it, once; others are told that it is this one.
    index = Index.open(path, threads=threads, verify_hashes=fingerprint is None)
    if fingerprint not in {None, index.fingerprint}:
        raise ArtifactError(
            f"{path} holds the index with fingerprint {index.fingerprint}, expected {fingerprint}: "
            "start the server again to search what is there now"
        )
    return index
