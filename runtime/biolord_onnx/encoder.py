"""From a list of strings to rows of an array: tokenize, group, run, put each vector where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact import Artifact
from biolord_onnx.batching import batch_arrays, chunks, plan
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.manifest import Manifest
from biolord_onnx.progress import progress_bar
from biolord_onnx.session import Session
from biolord_onnx.settings import EncodeSettings
from biolord_onnx.texts import distinct
from biolord_onnx.tokenization import TokenizedTexts, Tokenizer

Vectors = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A tokenizer and a session that belong together. Immutable, hence safe between threads.

    Attributes:
        manifest: of the artefact that both come from.
        tokenizer: gives the ids.
        session: gives the vectors.
    """

    manifest: Manifest
    tokenizer: Tokenizer
    session: Session

    @classmethod
    def load(cls, artifact: Artifact, session: Session) -> Encoder:
        """Load the artefact's tokenizer beside a session of its graph.

        Raises:
            ArtifactError: the tokenizer is unreadable or doesn't fit the length limit.
        """
        tokenizer = Tokenizer.load(artifact.tokenizer_path)
        limit = artifact.manifest.max_length.value
        # Without special tokens an empty text would have no tokens at all, hence no vector.
        if not 0 < tokenizer.special_count < limit:
            raise ArtifactError(
                f"{artifact.tokenizer_path} adds {tokenizer.special_count} special tokens to every text, "
                f"expected 1 or more and fewer than max_length, {limit}: export the artefact again"
            )
        return cls(artifact.manifest, tokenizer, session)

    def encode(
        self, texts: Sequence[str], settings: EncodeSettings, *, show_progress_bar: bool
    ) -> tuple[Vectors, NDArray[np.int32]]:
        """Encode texts, equal ones once.

        Args:
            texts: n strings.
            settings: how.
            show_progress_bar: on stderr.

        Returns:
            The vectors [n, dim] and int32 [n] token counts before any cut.

        Raises:
            InputError: a text can't be encoded as UTF-8, or is too long and settings refuse that.
        """
        if settings.refuse_overflow:
            self._refuse_overflow(texts)
        vectors = np.empty((len(texts), self.manifest.dim), dtype=settings.dtype)
        token_counts = np.empty(len(texts), dtype=np.int32)
        unique = distinct(texts)
        with progress_bar(len(unique.texts), shown=show_progress_bar) as advance:
            for chunk in chunks(unique.texts):
                rows = unique.rows[chunk]
                tokenized = self.tokenizer.tokenize(unique.texts[chunk], self.manifest.max_length.value)
                token_counts[rows] = tokenized.full_lengths
                for indices, batch_vectors in self._run(tokenized, settings):
                    vectors[rows[indices]] = batch_vectors
                    advance(len(indices))
        vectors[unique.copies] = vectors[unique.originals]
        token_counts[unique.copies] = token_counts[unique.originals]
        return vectors, token_counts

    def count_tokens(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return int32 [n], the tokens per text before any cut, special tokens included."""
        counts = [self.tokenizer.count(texts[chunk]) for chunk in chunks(texts)]
        return np.concatenate([np.empty(0, dtype=np.int32), *counts])

    def _run(
        self, tokenized: TokenizedTexts, settings: EncodeSettings
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Yield positions and vectors, batch by batch."""
        for batch in plan(tokenized.lengths, settings.token_budget, settings.max_texts):
            input_ids, attention_mask = batch_arrays(tokenized.ids, batch, self.manifest.pad_id)
            yield batch.indices, self.session.run(input_ids, attention_mask, settings.output)

    def _refuse_overflow(self, texts: Sequence[str]) -> None:
        """Raise before anything is computed: a bulk run must not fail after an hour."""
        limit = self.manifest.max_length.value
        counts = self.count_tokens(texts)
        too_long = np.flatnonzero(counts > limit)
        if too_long.size:
            first = too_long[0]
            raise InputError(
                f"texts[{first}] has {counts[first]} tokens, the limit is {limit} ({too_long.size} of "
                f"{len(texts)} texts are longer): shorten them, or choose overflow 'truncate'"
            )
