"""From a query and a list of texts to their scores: tokenize, group, run, put each score where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.fit import check_pair_ids
from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.reranking import Reranking, require_reranking
from biolord_onnx.encoding.batching import DEFAULT_TOKEN_BUDGET, batch_arrays, chunks, plan, share_budget
from biolord_onnx.encoding.encoder import load_model
from biolord_onnx.encoding.schedule import run_jobs
from biolord_onnx.encoding.texts import distinct
from biolord_onnx.session.session import Session
from biolord_onnx.tokenizer.pairs import Pair, join_pair
from biolord_onnx.tokenizer.tokenizer import Tokenizer


@dataclass(frozen=True, slots=True)
class PairJob:
    """One run of the graph.

    Attributes:
        rows: int64 [batch], where its scores belong.
        input_ids: int64 [batch, sequence].
        attention_mask: int64 [batch, sequence].
        token_type_ids: int64 [batch, sequence]; None where the graph takes none.
    """

    rows: NDArray[np.int64]
    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    token_type_ids: NDArray[np.int64] | None


@dataclass(frozen=True, slots=True)
class Scorer:
    """A tokenizer and a session of a cross-encoder. Immutable, hence safe between threads.

    Attributes:
        manifest: Of the artifact that both come from.
        frame: What stands around a pair.
        tokenizer: Gives the ids.
        session: Gives the scores.
    """

    manifest: Manifest
    frame: Reranking
    tokenizer: Tokenizer
    session: Session

    @classmethod
    def load(
        cls,
        artifact: Artifact,
        *,
        provider: str = "auto",
        threads: int | None = None,
        verify_hashes: bool = True,
    ) -> Scorer:
        """Load a cross-encoder; arguments and errors are those of `Encoder.load`.

        Raises:
            ArtifactError: It is none, or as of `Encoder.load`.
            BiolordError: As of `Encoder.load`.
        """
        frame = require_reranking(artifact.manifest)
        tokenizer, session = load_model(artifact, provider=provider, threads=threads, verify_hashes=verify_hashes)
        check_pair_ids(artifact, frame)
        return cls(artifact.manifest, frame, tokenizer, session)

    def logits(self, query: str, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
        """Score texts, equal ones once.

        Args:
            query: A string.
            texts: n strings.

        Returns:
            The graph's outputs float32 [n], before the activation, and int32 [n], the tokens of each pair before any
            cut.
        """
        logits = np.empty(len(texts), dtype=np.float32)
        token_counts = np.empty(len(texts), dtype=np.int32)
        unique = distinct(texts)
        jobs = self._jobs(query, unique.texts, unique.rows, token_counts)
        for job, found in run_jobs(jobs, self._run, self.session.concurrency):
            logits[job.rows] = found
        logits[unique.copies] = logits[unique.originals]
        token_counts[unique.copies] = token_counts[unique.originals]
        return logits, token_counts

    def _jobs(
        self, query: str, texts: Sequence[str], rows: NDArray[np.int64], token_counts: NDArray[np.int32]
    ) -> Iterator[PairJob]:
        (first,) = self.tokenizer.contents([query])
        limit = self.manifest.max_length.value
        for chunk in chunks(texts):
            pairs = [join_pair(first, second, self.frame, limit) for second in self.tokenizer.contents(texts[chunk])]
            token_counts[rows[chunk]] = [pair.full_length for pair in pairs]
            yield from self._plan(pairs, rows[chunk])

    def _plan(self, pairs: Sequence[Pair], rows: NDArray[np.int64]) -> Iterator[PairJob]:
        ids = [pair.ids for pair in pairs]
        seconds = np.array([pair.second for pair in pairs], dtype=np.int64)
        lengths = np.array([len(row) for row in ids], dtype=np.int32)
        budget = share_budget(int(lengths.sum()), self.session.concurrency, DEFAULT_TOKEN_BUDGET)
        for batch in plan(lengths, budget, padded=self.manifest.drops_padding):
            types = None
            if self.frame.token_types:
                second = np.arange(batch.length) >= seconds[batch.indices, np.newaxis]
                types = second.astype(np.int64)
            yield PairJob(rows[batch.indices], *batch_arrays(ids, batch, self.manifest.pad_id), types)

    def _run(self, job: PairJob) -> NDArray[np.float32]:
        found = self.session.run(job.input_ids, job.attention_mask, "logits", job.token_type_ids)
        return found[:, 0]
