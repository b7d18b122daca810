"""From a list of strings to rows of an array: tokenize, group, run, put each vector where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.fit import check_ids
from biolord_onnx.artifact.folder import Artifact, check_hashes
from biolord_onnx.artifact.manifest import LEFT, MODEL_NAME, TOKENIZER_NAME, Manifest
from biolord_onnx.artifact.reranking import check_embeds
from biolord_onnx.encoding.batching import batch_arrays, chunks, plan, share_budget
from biolord_onnx.encoding.crew import Crew
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.encoding.schedule import run_jobs
from biolord_onnx.encoding.settings import EncodeSettings
from biolord_onnx.encoding.texts import DistinctTexts, Prompted, as_texts, distinct
from biolord_onnx.errors import InputError
from biolord_onnx.session.address_space import check_address_space
from biolord_onnx.session.session import Session, open_session
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from biolord_onnx.tokenizer.windows import merge_windows

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GraphRun:
    """One run of the graph.

    Attributes:
        rows: int64 [batch], where its vectors belong.
        input_ids: int64 [batch, sequence].
        attention_mask: int64 [batch, sequence].
    """

    rows: Rows
    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]


def load_tokenizer(artifact: Artifact) -> Tokenizer:
    """Load an artifact's tokenizer.

    Raises:
        ArtifactError: It is unreadable, or doesn't fit the graph or the length limit.
    """
    tokenizer = Tokenizer.load(
        artifact.tokenizer_path, artifact.pieces_path, late=lambda: artifact.files.reading(TOKENIZER_NAME)
    )
    check_ids(artifact, tokenizer)
    return replace(tokenizer, keeps_end=artifact.manifest.truncation_side == LEFT)


def _checked_tokenizer(artifact: Artifact, *, verify_hashes: bool) -> Tokenizer:
    if verify_hashes:
        check_hashes(artifact)
    return load_tokenizer(artifact)


def load_model(
    artifact: Artifact,
    *,
    provider: str = "auto",
    threads: int | None = None,
    spinning: bool = False,
    verify_hashes: bool = True,
) -> tuple[Tokenizer, Session]:
    """Load an artifact's graph, and beside that hash its files and load its tokenizer.

    Args:
        artifact: From `open_artifact`, hashes not verified.
        provider: As of `open_session`.
        threads: Likewise.
        spinning: Likewise.
        verify_hashes: Compare every file with the manifest's SHA-256.

    Raises:
        ArtifactError: A file was altered, or replaced meanwhile, the tokenizer is unreadable or doesn't fit the
            length limit, or as of `open_session`.
        BiolordError: As of `open_session`, or the process may have too little address space.
    """
    check_address_space(artifact)
    if verify_hashes:
        check_hashes(artifact, only=MODEL_NAME)  # onnxruntime reads the graph while the others are checked
    # Worth a thread: hashing and onnxruntime's loading give up Python's global lock.
    with closing(Crew[Tokenizer](1)) as beside:
        beside.submit(lambda: _checked_tokenizer(artifact, verify_hashes=verify_hashes))
        try:
            session = open_session(artifact, provider=provider, threads=threads, spinning=spinning)
        finally:
            # An altered file is told first: it may be why the rest failed.
            tokenizer = beside.result()
    # Hashed by their names, then read by their names: this tells that it was the same files.
    artifact.files.check_unchanged()
    return tokenizer, session


@dataclass(frozen=True, slots=True)
class Encoder:
    """A tokenizer and a session that belong together. Immutable, hence safe between threads.

    Attributes:
        manifest: Of the artifact that both come from.
        tokenizer: Gives the ids.
        session: Gives the vectors.
    """

    manifest: Manifest
    tokenizer: Tokenizer
    session: Session

    @classmethod
    def load(
        cls,
        artifact: Artifact,
        *,
        provider: str = "auto",
        threads: int | None = None,
        spinning: bool = False,
        verify_hashes: bool = True,
    ) -> Encoder:
        """Load an artifact; arguments and errors are those of `load_model`.

        Raises:
            ArtifactError: It is a reranker, or as of `load_model`.
            BiolordError: As of `load_model`.
        """
        check_embeds(artifact.manifest)
        tokenizer, session = load_model(
            artifact, provider=provider, threads=threads, spinning=spinning, verify_hashes=verify_hashes
        )
        return cls(artifact.manifest, tokenizer, session)

    def prompted(self, texts: list[str], prompt: str) -> Prompted:
        """Put a prompt in front of texts, and find out how many of its tokens aren't to be pooled.

        Raises:
            InputError: The prompt can't be encoded as UTF-8, or has so many tokens that no text's would be pooled.
        """
        if not prompt:
            return Prompted(texts)
        together = [prompt + text for text in texts]
        as_texts([prompt])
        if self.manifest.prompts.pooled:
            return Prompted(together)
        skipped = int(self.tokenizer.count([prompt])[0]) - len(self.tokenizer.suffix)
        limit = self.manifest.max_length.value
        if skipped + len(self.tokenizer.suffix) >= limit:
            raise InputError(
                f"the prompt has {skipped} tokens, which aren't pooled, and a text {limit} at most: nothing would be "
                "left, give a shorter prompt"
            )
        return Prompted(together, skipped)

    def encode(
        self, texts: Sequence[str], settings: EncodeSettings, *, show_progress_bar: bool
    ) -> tuple[Vectors, NDArray[np.int32]]:
        """Encode texts, equal ones once.

        Args:
            texts: n strings.
            settings: How.
            show_progress_bar: On stderr.

        Returns:
            The vectors [n, width] and int32 [n] token counts before any cut.

        Raises:
            InputError: A text can't be encoded as UTF-8, or is too long and settings refuse that.
        """
        if settings.overflow == "error":
            self._refuse_overflow(texts)
        vectors = np.empty((len(texts), settings.width(self.manifest.dim)), dtype=settings.conversion.dtype)
        token_counts = np.empty(len(texts), dtype=np.int32)
        unique = distinct(texts)
        with progress_bar(len(unique.texts), shown=show_progress_bar) as advance:
            for rows, found in self._vectors(unique, settings, token_counts):
                vectors[rows] = settings.apply(found)
                advance(len(rows))
        vectors[unique.copies] = vectors[unique.originals]
        token_counts[unique.copies] = token_counts[unique.originals]
        return vectors, token_counts

    def count_tokens(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return int32 [n], the tokens per text before any cut, special tokens included."""
        counts = [self.tokenizer.count(texts[chunk]) for chunk in chunks(texts)]
        return np.concatenate([np.empty(0, dtype=np.int32), *counts])

    def _vectors(
        self, unique: DistinctTexts, settings: EncodeSettings, token_counts: NDArray[np.int32]
    ) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and their vectors; whole texts first, then those that windows are made of."""
        yield from self._run(self._whole_texts(unique, settings, token_counts), settings)
        if settings.overflow == "window":
            long = np.flatnonzero(token_counts[unique.rows] > self.manifest.max_length.value)
            texts = [unique.texts[index] for index in long.tolist()]
            for chunk in chunks(texts):
                yield unique.rows[long[chunk]], self._average_windows(texts[chunk], settings)

    def _whole_texts(
        self, unique: DistinctTexts, settings: EncodeSettings, token_counts: NDArray[np.int32]
    ) -> Iterator[GraphRun]:
        """Tokenize chunk by chunk, note the token counts, and yield what runs: all, or what needs no window."""
        for chunk in chunks(unique.texts):
            rows = unique.rows[chunk]
            tokenized = self.tokenizer.tokenize(unique.texts[chunk], self.manifest.max_length.value)
            token_counts[rows] = tokenized.full_lengths
            if settings.overflow == "window":
                whole = np.flatnonzero(~tokenized.truncated)
                ids = [tokenized.ids[index] for index in whole.tolist()]
                yield from self._jobs(ids, tokenized.lengths[whole], rows[whole], settings)
            else:
                yield from self._jobs(tokenized.ids, tokenized.lengths, rows, settings)

    def _average_windows(self, texts: Sequence[str], settings: EncodeSettings) -> NDArray[np.float32]:
        """Return float32 [n, dim], the token-weighted means of the vectors of each text's windows."""
        windows = self.tokenizer.windows(texts, self.manifest.max_length.value)
        counts = np.array([len(some) for some in windows], dtype=np.int64)
        ids = [ids for some in windows for ids in some]
        lengths = np.array([len(some) for some in ids], dtype=np.int32)
        found = np.empty((len(ids), self.manifest.dim), dtype=np.float32)
        for rows, vectors in self._run(self._jobs(ids, lengths, np.arange(len(ids)), settings), settings):
            found[rows] = vectors
        unit = self.manifest.normalized or settings.output == "unit_embedding"
        return merge_windows(found, lengths, counts, unit=unit)

    def _jobs(
        self, ids: Sequence[list[int]], lengths: NDArray[np.int32], rows: Rows, settings: EncodeSettings
    ) -> Iterator[GraphRun]:
        """Plan runs of tokenized texts that lie at some rows of a result."""
        budget = share_budget(int(lengths.sum()), self.session.concurrency, settings.token_budget)
        for batch in plan(lengths, budget, settings.max_texts, padded=self.manifest.drops_padding):
            yield GraphRun(rows[batch.indices], *batch_arrays(ids, batch, self.manifest.pad_id))

    def _run(self, jobs: Iterator[GraphRun], settings: EncodeSettings) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        def run(job: GraphRun) -> NDArray[np.float32]:
            return self.session.run(job.input_ids, job.attention_mask, settings.output, skipped=settings.skipped)

        for job, vectors in run_jobs(jobs, run, self.session.concurrency):
            yield job.rows, vectors

    def _refuse_overflow(self, texts: Sequence[str]) -> None:
        """Raise before anything is computed: a bulk run must not fail after an hour."""
        limit = self.manifest.max_length.value
        counts = self.count_tokens(texts)
        too_long = np.flatnonzero(counts > limit)
        if too_long.size:
            first = too_long[0]
            raise InputError(
                f"texts[{first}] has {counts[first]} tokens, the limit is {limit} ({too_long.size} of "
                f"{len(texts)} texts are longer): shorten them, or choose overflow 'truncate' or 'window'"
            )
