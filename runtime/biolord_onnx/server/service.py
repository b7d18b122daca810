"""From a request's texts to vectors: checked, tokenized off the event loop, queued, awaited."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.encoding.cutting import Cut, check_width
from biolord_onnx.encoding.encoder import Encoder
from biolord_onnx.errors import BiolordError, InputError
from biolord_onnx.server.limits.admission import Admission
from biolord_onnx.server.limits.amounts import check_amount, check_lengths
from biolord_onnx.server.limits.patience import RETRY_AFTER_S, while_wanted
from biolord_onnx.server.memory import Trimmer
from biolord_onnx.server.problems import FAILED, INVALID, OVERLOADED, TOO_MUCH, UNAVAILABLE, ApiError
from biolord_onnx.server.settings import ServerSettings
from biolord_onnx.server.work.batcher import Batcher
from biolord_onnx.server.work.lanes import Lane
from biolord_onnx.server.work.metrics import Metrics
from biolord_onnx.server.work.tokens import Lanes, Tokens, check_ids, described, together
from biolord_onnx.session import kernels
from biolord_onnx.session.session import Output
from biolord_onnx.tokenizer.tokenizer import TokenizedTexts, Tokenizer

TOKENIZING_THREADS = 2
WARM_TEXT = "ready"


@dataclass(frozen=True, slots=True)
class Embedded:
    """An answer.

    Attributes:
        vectors: float32 [n, dim].
        tokens: Of all texts together, after cutting.
        truncated: How many texts were cut.
        stages_ms: Milliseconds of each stage.
    """

    vectors: NDArray[np.float32]
    tokens: int
    truncated: int
    stages_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of its texts.

    Attributes:
        output: Which of the graph's outputs.
        prompt: In front of each.
        skipped: Leading tokens of each that aren't pooled.
        cut: How vectors are shortened; None where they aren't.
    """

    output: Output
    prompt: str = ""
    skipped: int = 0
    cut: Cut | None = None


class Service:
    """One artifact, served."""

    def __init__(self, settings: ServerSettings) -> None:
        """Load the artifact and start the threads.

        Raises:
            BiolordError: The artifact is damaged or can't run here, or its vectors are shorter than the settings say.
        """
        artifact = open_artifact(settings.artifact, verify_hashes=False, fingerprint=settings.fingerprint)
        encoder = Encoder.load(artifact, provider=settings.provider, threads=settings.threads)
        session = encoder.session
        self.settings = settings
        self._encoder = encoder
        self.manifest: Manifest = artifact.manifest
        self.dim = check_width(settings.truncate_dim or artifact.manifest.dim, artifact.manifest.dim)
        self.fingerprint = artifact.fingerprint
        self.provider, self.threads = session.provider, session.threads
        self.kernels = kernels.chosen() if self.manifest.requires.operators else None
        self.tokenizer: Tokenizer = encoder.tokenizer
        self.metrics = Metrics(self.manifest, self.provider, self.threads)
        self.batcher = Batcher(session, self.manifest, self.metrics.ran)
        self.admission = Admission(settings.limits)
        self.heavy = Lane("biolord-heavy")
        self.trimmer = Trimmer(kernels.release_scratch if self.kernels else lambda: None)
        self._lanes = Lanes(Lane("biolord-quick"), self.heavy)

    def close(self) -> None:
        """End the threads; what was accepted is done first."""
        self.batcher.close(self.settings.limits.shutdown_s)
        self._lanes.close()

    @property
    def healthy(self) -> bool:
        """Whether vectors can be computed."""
        return self.batcher.alive

    @property
    def full(self) -> bool:
        """Whether a request would be refused now for want of room."""
        return self.admission.full or self.batcher.load.tokens >= self.settings.limits.queue_tokens

    async def warm(self) -> None:
        """Compute a first vector."""
        ids = self.tokenizer.tokenize([WARM_TEXT], self.manifest.max_length.value).ids
        await self._compute(ids, Wanted("unit_embedding"))

    def wanted(
        self, *, normalize: bool, dimensions: int | None = None, prompt_name: str | None = None, whole: bool = False
    ) -> Wanted:
        """Put together what a request wants of its texts.

        Args:
            normalize: Whether vectors have length 1; if not, they are what the checkpoint's modules yield.
            dimensions: Numbers that are left of a vector; None for as many as the settings say.
            prompt_name: Of the prompt to put in front of texts; None for the checkpoint's default, if it has one.
            whole: Whether all numbers are wanted, whatever the settings say.

        Raises:
            ApiError: Vectors have fewer numbers, or there is no such prompt.
        """
        dim = self.dim
        if dimensions is not None and not 1 <= dimensions <= dim:
            raise ApiError(INVALID, f"dimensions is {dimensions}, this model's vectors have {dim}: ask for 1 to {dim}")
        try:
            prompt = self.manifest.prompts.choose(name=prompt_name)
            skipped = self._encoder.prompted([], prompt).skipped
        except InputError as error:
            raise ApiError(INVALID, str(error)) from error
        width = self.manifest.dim if whole else dimensions or dim
        cut = None if width == self.manifest.dim else Cut(width, normalize)
        return Wanted("unit_embedding" if normalize and cut is None else "sentence_embedding", prompt, skipped, cut)

    async def embed(self, texts: Sequence[str], wanted: Wanted, *, truncate: bool | None, request: Request) -> Embedded:
        """Embed a request's texts.

        Args:
            texts: n of them.
            wanted: From `wanted`.
            truncate: Whether texts over the limit are cut; None does as the settings say.
            request: Whose client is watched: when it hangs up, its texts leave the queue.

        Raises:
            ApiError: The texts are none, too many, too long or too much for now, or the graph failed.
        """
        self.check_texts(texts)
        work = self.embed_texts(texts, wanted, truncate=truncate)
        return await while_wanted(work, request, self.settings.limits.timeout_s)

    def check_texts(self, texts: Sequence[str]) -> None:
        """Check how many texts there are, and how long they are.

        Raises:
            ApiError: They are none, too many, too long or too much for now.
        """
        check_amount(self.settings.limits, len(texts), sum(map(len, texts)))
        check_lengths(self.settings.limits, texts)
        self._check_queue(1)

    async def embed_texts(self, texts: Sequence[str], wanted: Wanted, *, truncate: bool | None) -> Embedded:
        """Embed texts that were checked, as `embed` does, for whoever watches the client."""
        cut = self.settings.auto_truncate if truncate is None else truncate
        started, limit, prompt = time.perf_counter(), self.manifest.max_length.value, wanted.prompt

        def tokenize(some: Sequence[str]) -> TokenizedTexts:
            return self.tokenizer.tokenize([prompt + text for text in some] if prompt else some, limit)

        found = await self._lanes.in_shares(texts, tokenize)
        tokens = together(found, limit, cut=cut)
        return await self._embed(tokens, time.perf_counter() - started, wanted)

    async def embed_ids(self, lists: Sequence[list[int]], wanted: Wanted, *, request: Request) -> Embedded:
        """Embed token ids of n texts, special tokens and those of any prompt included; otherwise as `embed`."""
        size = sum(map(len, lists))
        check_amount(self.settings.limits, len(lists), size)
        self._check_queue(1)
        work = self._embed_ids(lists, size, wanted)
        return await while_wanted(work, request, self.settings.limits.timeout_s)

    async def tokenize(self, texts: Sequence[str], wanted: Wanted, *, special: bool, request: Request) -> list[bytes]:
        """Tokenize texts, uncut, behind the wanted prompt; returns lists in JSON, each of some of the texts.

        Raises:
            ApiError: The texts are none, too many, or too much.
        """
        texts = [wanted.prompt + text for text in texts]
        size = sum(map(len, texts))
        check_amount(self.settings.limits, len(texts), size)
        self._check_queue(1)
        most = self.settings.limits.text_characters
        if size > most:
            raise ApiError(TOO_MUCH, f"the request has {size} characters, the limit is {most}: send several")
        describe = partial(described, self.tokenizer, special=special)
        # An answer is large even where the texts are not: all of them are heavy.
        work = Lanes(self.heavy, self.heavy).in_shares(texts, describe)
        return await while_wanted(work, request, self.settings.limits.timeout_s)

    async def _embed_ids(self, lists: Sequence[list[int]], size: int, wanted: Wanted) -> Embedded:
        started = time.perf_counter()
        check = partial(check_ids, lists, self.tokenizer, self.manifest.max_length.value)
        tokens = await self._lanes.quick.run(size, check)
        return await self._embed(tokens, time.perf_counter() - started, wanted)

    async def _embed(self, tokens: Tokens, seconds: float, wanted: Wanted) -> Embedded:
        self._check_queue(tokens.count)
        vectors, waited, ran = await self._compute(tokens.ids, wanted)
        if wanted.cut:
            vectors = wanted.cut.apply(vectors)
        stages = {"tokenize": seconds, "queue": waited, "run": ran}
        for name, spent in stages.items():
            self.metrics.stage(name, spent)
        self.metrics.texts.inc(len(vectors))
        self.metrics.tokens.inc(tokens.count)
        self.metrics.truncated.inc(tokens.truncated)
        return Embedded(vectors, tokens.count, tokens.truncated, {name: 1000 * spent for name, spent in stages.items()})

    def _check_queue(self, tokens: int) -> None:
        waiting, most = self.batcher.load.tokens, self.settings.limits.queue_tokens
        # An empty queue takes any request that the other limits let pass.
        if waiting and waiting + tokens > most:
            raise ApiError(
                OVERLOADED, f"{waiting} tokens wait, {tokens} more would exceed {most}: try again", RETRY_AFTER_S
            )

    async def _compute(self, ids: list[list[int]], wanted: Wanted) -> tuple[NDArray[np.float32], float, float]:
        """Return vectors, and seconds spent waiting and running."""
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()

        def done(error: BaseException | None) -> None:
            if not loop.is_closed():  # as it is when the server has stopped before a run ended
                loop.call_soon_threadsafe(_settle, ready, error)

        try:
            work = self.batcher.submit(ids, wanted.output, done, wanted.skipped)
        except BiolordError as error:
            raise ApiError(UNAVAILABLE, str(error)) from error
        try:
            await ready
        except asyncio.CancelledError:
            self.batcher.drop(work)
            raise
        started = work.started_at or work.queued_at
        return work.vectors, started - work.queued_at, time.perf_counter() - started


def _settle(ready: asyncio.Future[None], error: BaseException | None) -> None:
    if ready.done():
        return
    if error is None:
        ready.set_result(None)
    else:
        ready.set_exception(ApiError(FAILED, f"the graph failed: {error}"))
