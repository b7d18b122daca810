"""From a query and texts to the texts' order: in shares, so that who asks for little passes who asks for much."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from biolord_onnx.errors import BiolordError
from biolord_onnx.reranker import Reranker, ScoreInfo
from biolord_onnx.server.limits.amounts import check_amount, check_lengths
from biolord_onnx.server.limits.patience import while_wanted
from biolord_onnx.server.problems import FAILED, TOO_LONG, ApiError
from biolord_onnx.server.service import WARM_TEXT, Service
from biolord_onnx.server.work.lanes import Lane
from biolord_onnx.server.work.room import Room
from biolord_onnx.server.work.tokens import TEXT_COST, shares

SHARE = 2048
"""Characters of pairs that are scored in one go; who comes meanwhile waits for that."""
TOKEN = 4
"""Characters of a token, where it is enough to know about how many there are."""


@dataclass(frozen=True, slots=True)
class Reranked:
    """An answer.

    Attributes:
        scores: float32 [n].
        logits: float32 [n], before the activation.
        order: Places of the texts, the best first.
        tokens: Of all pairs together, after cutting.
        truncated: How many pairs were cut.
        stages_ms: Milliseconds of each stage.
    """

    scores: NDArray[np.float32]
    logits: NDArray[np.float32]
    order: list[int]
    tokens: int
    truncated: int
    stages_ms: dict[str, float]


class RerankService:
    """One cross-encoder."""

    def __init__(self, service: Service) -> None:
        """Load the artifact that the settings name, and start the thread.

        Raises:
            BiolordError: It is damaged, can't run here, or is none of a cross-encoder.
        """
        settings = service.settings
        assert settings.reranker is not None
        self.reranker = Reranker.load(
            settings.reranker,
            provider=settings.provider,
            threads=settings.threads,
            fingerprint=settings.reranker_fingerprint,
        )
        self._settings, self._metrics = settings, service.metrics
        self.lane = Lane("biolord-rerank")
        self.room = Room(settings.limits.queue_tokens, "tokens of pairs")

    def close(self) -> None:
        """End the thread."""
        self.lane.close()

    async def warm(self) -> None:
        """Compute a first score."""
        await self.lane.run(1, partial(self.reranker.score_with_info, WARM_TEXT, [WARM_TEXT]))

    def describe(self) -> dict[str, Any]:
        """Tell what scores."""
        manifest = self.reranker.manifest
        return {
            "artifact": manifest.name,
            "model_id": manifest.source.id,
            "max_input_length": self.reranker.max_length,
            "provider": self.reranker.provider,
        }

    async def rerank(self, query: str, texts: Sequence[str], *, truncate: bool | None, request: Request) -> Reranked:
        """Score a request's texts.

        Args:
            query: What they are to answer.
            texts: n of them.
            truncate: Whether pairs over the limit are cut; None does as the settings say.
            request: Whose client is watched: when it hangs up, its texts leave the queue.

        Raises:
            ApiError: The texts are none, too many, too long or too much for now, or the graph failed.
        """
        limits = self._settings.limits
        check_amount(limits, len(texts), len(query) * len(texts) + sum(map(len, texts)))
        check_lengths(limits, [query, *texts])
        with self.room.hold(self.about_tokens(query, texts)):
            cut = self._settings.auto_truncate if truncate is None else truncate
            return await while_wanted(self._rerank(query, texts, cut=cut), request, limits.timeout_s)

    async def _rerank(self, query: str, texts: Sequence[str], *, cut: bool) -> Reranked:
        started = time.perf_counter()
        parts: list[ScoreInfo] = []
        for cost, some in shares(texts, SHARE, len(query) + TEXT_COST):
            try:
                part = await self.lane.run(cost, partial(self.reranker.score_with_info, query, some))
            except BiolordError as error:
                raise ApiError(FAILED, f"the graph failed: {error}") from error
            if not cut:
                self._check_cuts(part, sum(len(before.scores) for before in parts))
            parts.append(part)
        return self._noted(parts, time.perf_counter() - started)

    def _noted(self, parts: Sequence[ScoreInfo], seconds: float) -> Reranked:
        logits = np.concatenate([part.logits for part in parts])
        scores = np.concatenate([part.scores for part in parts])
        tokens = int(np.minimum(np.concatenate([part.token_counts for part in parts]), self.reranker.max_length).sum())
        truncated = sum(int(part.truncated.sum()) for part in parts)
        self._metrics.stage("rerank", seconds)
        self._metrics.pairs.inc(len(scores))
        self._metrics.tokens.inc(tokens)
        self._metrics.truncated.inc(truncated)
        # By what the activation, which tells large values apart no more, is given; of equal ones the first is first.
        order = np.argsort(-logits, kind="stable").tolist()
        return Reranked(scores, logits, order, tokens, truncated, {"rerank": 1000 * seconds})

    def _check_cuts(self, part: ScoreInfo, before: int) -> None:
        if part.truncated.any():
            first = int(part.truncated.argmax())
            raise ApiError(
                TOO_LONG,
                f"query and text {before + first} have {part.token_counts[first]} tokens together, the limit is "
                f'{self.reranker.max_length}: shorten them, or cut them with "truncate": true',
            )

    def about_tokens(self, query: str, texts: Sequence[str]) -> int:
        """Return about how many tokens pairs of a query and texts have, as they are scored."""
        most = self.reranker.max_length
        return sum(min(most, 1 + (len(query) + len(text)) // TOKEN) for text in texts)
