"""From a query and a list of texts to their scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.reranking import Reranking, require_reranking
from biolord_onnx.encoding.batching import DEFAULT_TOKEN_BUDGET, chunks
from biolord_onnx.encoding.model import GraphRun, Model, load_model
from biolord_onnx.encoding.texts import DistinctTexts, distinct
from biolord_onnx.session.session import LOGITS
from biolord_onnx.tokenizer.pairs import join_pairs


@dataclass(frozen=True, slots=True)
class Scorer(Model):
    """Scores pairs of texts with a cross-encoder.

    Attributes:
        frame: What stands around a pair.
    """

    frame: Reranking

    @classmethod
    def load(
        cls,
        artifact: Artifact,
        *,
        provider: str = "auto",
        threads: int | None = None,
        verify_hashes: bool = True,
    ) -> Scorer:
        """Load a cross-encoder; arguments and errors are those of `load_model`.

        Raises:
            ArtifactError: It is none, or as of `load_model`.
            BiolordError: As of `load_model`.
        """
        frame = require_reranking(artifact.manifest)
        loaded = load_model(artifact, provider=provider, threads=threads, verify_hashes=verify_hashes)
        return cls(artifact.manifest, *loaded, frame)

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
        for rows, found in self.compute(self._runs(query, unique, token_counts), LOGITS):
            logits[rows] = found[:, 0]
        unique.fill(logits, token_counts)
        return logits, token_counts

    def _runs(self, query: str, unique: DistinctTexts[str], token_counts: NDArray[np.int32]) -> Iterator[GraphRun]:
        (first,) = self.tokenizer.contents([query])
        limit, keeps_end = self.manifest.max_length.value, self.tokenizer.keeps_end
        for chunk in chunks(unique.texts):
            rows = unique.rows[chunk]
            pairs = zip(repeat(first), self.tokenizer.contents(unique.texts[chunk]), strict=False)
            tokenized = join_pairs(pairs, self.frame, limit, keeps_end=keeps_end)
            token_counts[rows] = tokenized.full_lengths
            yield from self.plan_runs(tokenized, rows, DEFAULT_TOKEN_BUDGET)
