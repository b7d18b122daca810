"""From a request's texts to vectors: checked, tokenised off the event loop, queued, awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import tokenizers
from numpy.typing import NDArray
from starlette.requests import Request

from biolord_onnx.artifact import open_artifact
from biolord_onnx.encoder import Encoder
from biolord_onnx.errors import BiolordError
from biolord_onnx.manifest import Manifest
from biolord_onnx.server.batcher import Batcher
from biolord_onnx.server.metrics import Metrics
from biolord_onnx.server.problems import (
    EMPTY,
    FAILED,
    INVALID,
    OVERLOADED,
    TOO_LONG,
    TOO_MUCH,
    UNAVAILABLE,
    ApiError,
)
from biolord_onnx.server.settings import ServerSettings
from biolord_onnx.session import Output
from biolord_onnx.tokenization import Tokenizer

T = TypeVar("T")
TOKENIZING_THREADS = 2
WARM_TEXT = "ready"
RETRY_AFTER_S = 2


@dataclass(frozen=True, slots=True)
class Embedded:
    """An answer.

    Attributes:
        vectors: float32 [n, dim].
        tokens: of all texts together, after cutting.
        truncated: how many texts were cut.
        stages_ms: milliseconds of each stage.
    """

    vectors: NDArray[np.float32]
    tokens: int
    truncated: int
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class _Tokens:
    ids: list[list[int]]
    truncated: int

    @property
    def count(self) -> int:
        return sum(map(len, self.ids))


class Service:
    """One artefact, served."""

    def __init__(self, settings: ServerSettings) -> None:
        """Load the artefact and start the threads.

        Raises:
            BiolordError: the artefact is damaged or can't run here.
        """
        artifact = open_artifact(settings.artifact, verify_hashes=False, fingerprint=settings.fingerprint)
        encoder = Encoder.load(artifact, provider=settings.provider, threads=settings.threads, memory=settings.memory)
        session = encoder.session
        self.settings = settings
        self.manifest: Manifest = artifact.manifest
        self.fingerprint = artifact.fingerprint
        self.provider, self.threads = session.provider, session.threads
        self.tokenizer: Tokenizer = encoder.tokenizer
        self.metrics = Metrics(self.manifest, self.provider, self.threads)
        self.batcher = Batcher(session, self.manifest, self.metrics.ran)
        self._pool = ThreadPoolExecutor(TOKENIZING_THREADS, thread_name_prefix="biolord-tokens")

    def close(self) -> None:
        """End the threads; what was accepted is done first."""
        self.batcher.close(self.settings.limits.shutdown_s)
        self._pool.shutdown()

    @property
    def healthy(self) -> bool:
        """Whether vectors can be computed."""
        return self.batcher.alive

    async def warm(self) -> None:
        """Compute a first vector."""
        ids = self.tokenizer.tokenize([WARM_TEXT], self.manifest.max_length.value).ids
        await self._compute(ids, "unit_embedding", None)

    async def embed(
        self, texts: Sequence[str], *, normalize: bool, truncate: bool | None, request: Request | None = None
    ) -> Embedded:
        """Embed a request's texts.

        Args:
            texts: n of them.
            normalize: whether vectors have length 1; if not, they are what the checkpoint's modules yield.
            truncate: whether texts over the limit are cut; None does as the settings say.
            request: whose client is watched: when it hangs up, its texts leave the queue.

        Raises:
            ApiError: the texts are none, too many, too long or too much for now, or the graph failed.
        """
        self._check_amount(len(texts), sum(map(len, texts)))
        cut = self.settings.auto_truncate if truncate is None else truncate
        started = time.perf_counter()
        tokens = await self._in_pool(self._tokenize, texts, cut)
        return await self._embed(tokens, time.perf_counter() - started, normalize, request)

    async def embed_ids(
        self, lists: Sequence[list[int]], *, normalize: bool, request: Request | None = None
    ) -> Embedded:
        """Embed token ids of n texts, special tokens included; otherwise as `embed`."""
        self._check_amount(len(lists), sum(map(len, lists)))
        started = time.perf_counter()
        tokens = await self._in_pool(self._check_ids, lists)
        return await self._embed(tokens, time.perf_counter() - started, normalize, request)

    async def tokenize(self, texts: Sequence[str]) -> list[tokenizers.Encoding]:
        """Tokenize texts, uncut, with what the library knows of each token."""
        self._check_amount(len(texts), sum(map(len, texts)))

        def encode(some: Sequence[str]) -> list[tokenizers.Encoding]:
            return self.tokenizer.tokenizer.encode_batch([*some])

        return await self._in_pool(encode, texts)

    async def _in_pool(self, do: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, do, *arguments)

    async def _embed(self, tokens: _Tokens, seconds: float, normalize: bool, request: Request | None) -> Embedded:
        self._check_queue(tokens.count)
        output: Output = "unit_embedding" if normalize else "sentence_embedding"
        vectors, waited, ran = await self._compute(tokens.ids, output, request)
        stages = {"tokenize": seconds, "queue": waited, "run": ran}
        for name, spent in stages.items():
            self.metrics.stage(name, spent)
        self.metrics.texts.inc(len(vectors))
        self.metrics.tokens.inc(tokens.count)
        self.metrics.truncated.inc(tokens.truncated)
        return Embedded(vectors, tokens.count, tokens.truncated, {name: 1000 * spent for name, spent in stages.items()})

    def _check_amount(self, texts: int, size: int) -> None:
        limits = self.settings.limits
        if not texts:
            raise ApiError(EMPTY, "the request has no texts: send one or more")
        if texts > limits.texts:
            raise ApiError(TOO_MUCH, f"the request has {texts} texts, the limit is {limits.texts}: send several")
        if size > limits.characters:
            raise ApiError(
                TOO_MUCH, f"the request has {size} characters, the limit is {limits.characters}: send several"
            )
        self._check_queue(1)

    def _check_queue(self, tokens: int) -> None:
        waiting, most = self.batcher.load.tokens, self.settings.limits.queue_tokens
        # An empty queue takes any request that the other limits let pass.
        if waiting and waiting + tokens > most:
            raise ApiError(
                OVERLOADED, f"{waiting} tokens wait, {tokens} more would exceed {most}: try again", RETRY_AFTER_S
            )

    def _tokenize(self, texts: Sequence[str], cut: bool) -> _Tokens:
        limit = self.manifest.max_length.value
        tokenized = self.tokenizer.tokenize(texts, limit)
        long = np.flatnonzero(tokenized.truncated)
        if long.size and not cut:
            first = long[0]
            raise ApiError(
                TOO_LONG,
                f"text {first} has {tokenized.full_lengths[first]} tokens, the limit is {limit} ({long.size} of "
                f'{len(texts)} texts are longer): shorten them, or cut them with "truncate": true',
            )
        return _Tokens(tokenized.ids, int(long.size))

    def _check_ids(self, lists: Sequence[list[int]]) -> _Tokens:
        """Take token ids that are framed as this model's are.

        Others are another model's, such as OpenAI's own, which its clients send unless told otherwise: they would give
        vectors that mean nothing.
        """
        prefix, suffix = [*self.tokenizer.prefix], [*self.tokenizer.suffix]
        limit, known = self.manifest.max_length.value, self.tokenizer.vocabulary
        for number, ids in enumerate(lists):
            content = len(ids) - len(suffix)
            framed = content >= len(prefix) and ids[: len(prefix)] == prefix and ids[content:] == suffix
            if not framed or not all(0 <= one < known for one in ids):
                raise ApiError(
                    INVALID,
                    f"input: token ids {number} are not this model's (below {known}, {prefix} … {suffix}, as /tokenize "
                    "gives them): send texts, with langchain-openai by check_embedding_ctx_length=False",
                )
            if len(ids) > limit:
                raise ApiError(TOO_LONG, f"token ids {number} are {len(ids)}, the limit is {limit}: send fewer")
        return _Tokens([*lists], 0)

    async def _compute(
        self, ids: list[list[int]], output: Output, request: Request | None
    ) -> tuple[NDArray[np.float32], float, float]:
        """Return vectors, and seconds spent waiting and running."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def done(error: BaseException | None) -> None:
            if not loop.is_closed():  # as it is when the server has stopped before a run ended
                loop.call_soon_threadsafe(_settle, ready, error)

        try:
            work = self.batcher.submit(ids, output, done)
        except BiolordError as error:
            raise ApiError(UNAVAILABLE, str(error)) from error
        try:
            await self._wait(ready, request)
        except BaseException:
            self.batcher.drop(work)
            ready.cancel()
            raise
        started = work.started_at or work.queued_at
        return work.vectors, started - work.queued_at, time.perf_counter() - started

    async def _wait(self, ready: asyncio.Future[None], request: Request | None) -> None:
        """Wait for vectors, but no longer than somebody waits for them."""
        gone = asyncio.ensure_future(request.receive() if request else asyncio.get_running_loop().create_future())
        timeout = self.settings.limits.timeout_s
        try:
            await asyncio.wait((ready, gone), timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if ready.done():
            ready.result()
        elif gone.done():
            raise ClientGoneError
        else:
            raise ApiError(
                UNAVAILABLE, f"no vectors after {timeout:g} s: send fewer texts, or try again", RETRY_AFTER_S
            )


class ClientGoneError(Exception):
    """The client hung up: there is nobody to answer."""


def _settle(ready: asyncio.Future[None], error: BaseException | None) -> None:
    if ready.done():
        return
    if error is None:
        ready.set_result(None)
    else:
        ready.set_exception(ApiError(FAILED, f"the graph failed: {error}"))
