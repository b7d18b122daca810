"""A loaded artifact: a tokenizer and a session that belong together, and how token ids run through them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.fit import check_ids, check_pair_ids
from biolord_onnx.artifact.folder import Artifact, check_hashes
from biolord_onnx.artifact.manifest import LEFT, MODEL_NAME, TOKENIZER_NAME, Manifest
from biolord_onnx.encoding.batching import Batch, batch_arrays, plan, share_budget
from biolord_onnx.encoding.crew import Crew
from biolord_onnx.encoding.schedule import run_jobs
from biolord_onnx.session.address_space import check_address_space
from biolord_onnx.session.session import Logits, Output, Session, open_session
from biolord_onnx.tokenizer.tokenizer import TokenizedTexts, Tokenizer

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class GraphRun:
    """One run of the graph.

    Attributes:
        rows: int64 [batch], where its vectors or scores belong.
        input_ids: int64 [batch, sequence].
        attention_mask: int64 [batch, sequence].
        token_type_ids: int64 [batch, sequence]; None where all are 0.
    """

    rows: Rows
    input_ids: NDArray[np.int64]
    attention_mask: NDArray[np.int64]
    token_type_ids: NDArray[np.int64] | None


def load_tokenizer(artifact: Artifact) -> Tokenizer:
    """Load an artifact's tokenizer.

    Raises:
        ArtifactError: It is unreadable, or doesn't fit the graph or the length limit; nor may what frames pairs.
    """
    tokenizer = Tokenizer.load(
        artifact.tokenizer_path, artifact.pieces_path, late=lambda: artifact.files.reading(TOKENIZER_NAME)
    )
    check_ids(artifact, tokenizer)
    frame = artifact.manifest.reranking or artifact.manifest.pairs
    if frame is not None:
        check_pair_ids(artifact, frame)
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
    try:
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
    finally:
        # Hashed by their names, then read by their names: this tells whether it was the same files.
        # Told before any other failure, too: it may be why.
        artifact.files.check_unchanged()
    return tokenizer, session


@dataclass(frozen=True, slots=True)
class Model:
    """A tokenizer and a session that belong together. Immutable, hence safe between threads.

    Attributes:
        manifest: Of the artifact that both come from.
        tokenizer: Gives the ids.
        session: Gives the vectors or scores.
    """

    manifest: Manifest
    tokenizer: Tokenizer
    session: Session

    def plan_runs(
        self, tokenized: TokenizedTexts, rows: Rows, token_budget: int, max_texts: int | None = None
    ) -> Iterator[GraphRun]:
        """Plan the runs of tokenized texts or pairs that lie at some rows of a result.

        Args:
            tokenized: Of n texts.
            rows: int64 [n].
            token_budget: Most tokens of a run.
            max_texts: Most texts of a run, or None.
        """
        budget = share_budget(int(tokenized.lengths.sum()), self.session.concurrency, token_budget)
        for batch in plan(tokenized.lengths, budget, max_texts, padded=self.manifest.drops_padding):
            arrays = batch_arrays(tokenized.ids, batch, self.manifest.pad_id)
            yield GraphRun(rows[batch.indices], *arrays, self._types(tokenized, batch))

    def compute(
        self, runs: Iterable[GraphRun], output: Output | Logits, *, skipped: int = 0
    ) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and what the graph gives for them, several runs at once; arguments as of `Session.run`."""

        def run(one: GraphRun) -> NDArray[np.float32]:
            return self.session.run(one.input_ids, one.attention_mask, output, one.token_type_ids, skipped=skipped)

        for one, found in run_jobs(runs, run, self.session.concurrency):
            yield one.rows, found

    def _types(self, tokenized: TokenizedTexts, batch: Batch) -> NDArray[np.int64] | None:
        if tokenized.seconds is None or not self.session.typed:
            return None
        second = np.arange(batch.length) >= tokenized.seconds[batch.indices, np.newaxis]
        return second.astype(np.int64)
