"""From a list of strings to rows of an array: tokenize, group, run, put each vector where it belongs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.pairing import require_pairs
from biolord_onnx.artifact.reranking import check_embeds
from biolord_onnx.encoding.batching import chunks
from biolord_onnx.encoding.model import GraphRun, Model, Rows, load_model
from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.encoding.progress import progress_bar
from biolord_onnx.encoding.settings import EncodeSettings
from biolord_onnx.encoding.texts import (
    DistinctTexts,
    Inputs,
    Prompted,
    TextPair,
    as_texts,
    distinct,
    put_before,
    singles_and_pairs,
)
from biolord_onnx.errors import InputError
from biolord_onnx.tokenizer.pairs import join_pairs
from biolord_onnx.tokenizer.tokenizer import TokenizedTexts
from biolord_onnx.tokenizer.windows import merge_windows


@dataclass(frozen=True, slots=True)
class Encoder(Model):
    """Encodes texts, and pairs of texts if the artifact takes some."""

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

    def prompted(self, texts: Inputs, prompt: str) -> Prompted:
        """Put a prompt in front of texts, or of pairs, and find out how many of its tokens aren't to be pooled.

        Raises:
            InputError: The prompt can't be encoded as UTF-8, or has so many tokens that no text's would be pooled.
        """
        if not prompt:
            return Prompted(texts)
        together = put_before(prompt, texts)
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
        self, texts: Inputs, settings: EncodeSettings, *, show_progress_bar: bool
    ) -> tuple[Vectors, NDArray[np.int32]]:
        """Encode texts, equal ones once.

        Args:
            texts: n strings, or n pairs of them.
            settings: How.
            show_progress_bar: On stderr.

        Returns:
            The vectors [n, width] and int32 [n] token counts before any cut.

        Raises:
            InputError: A text can't be encoded as UTF-8, or is too long and settings refuse that; or these are pairs,
                and the artifact takes none or they are to be cut into windows.
        """
        self._check_pairs(texts, settings)
        if settings.overflow == "error":
            self._refuse_overflow(texts)
        vectors = np.empty((len(texts), settings.width(self.manifest.dim)), dtype=settings.conversion.dtype)
        token_counts = np.empty(len(texts), dtype=np.int32)
        unique = distinct(texts)
        with progress_bar(len(unique.texts), shown=show_progress_bar) as advance:
            for rows, found in self._vectors(unique, settings, token_counts):
                vectors[rows] = settings.apply(found)
                advance(len(rows))
        unique.fill(vectors, token_counts)
        return vectors, token_counts

    def count_tokens(self, texts: Inputs) -> NDArray[np.int32]:
        """Return int32 [n], the tokens per text or pair before any cut, special tokens included.

        Raises:
            InputError: These are pairs, and the artifact takes none.
        """
        counts = [self._count(texts[chunk]) for chunk in chunks(texts)]
        return np.concatenate([np.empty(0, dtype=np.int32), *counts])

    def _vectors(
        self, unique: DistinctTexts[str | TextPair], settings: EncodeSettings, token_counts: NDArray[np.int32]
    ) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        """Yield rows and their vectors; whole texts first, then those that windows are made of."""
        yield from self._compute(self._whole_texts(unique, settings, token_counts), settings)
        if settings.overflow == "window":
            long = np.flatnonzero(token_counts[unique.rows] > self.manifest.max_length.value)
            texts = [str(unique.texts[index]) for index in long.tolist()]
            for chunk in chunks(texts):
                yield unique.rows[long[chunk]], self._average_windows(texts[chunk], settings)

    def _whole_texts(
        self, unique: DistinctTexts[str | TextPair], settings: EncodeSettings, token_counts: NDArray[np.int32]
    ) -> Iterator[GraphRun]:
        """Tokenize chunk by chunk, note the token counts, and yield what runs: all, or what needs no window."""
        for chunk in chunks(unique.texts):
            rows = unique.rows[chunk]
            tokenized = self._tokenize(unique.texts[chunk])
            token_counts[rows] = tokenized.full_lengths
            if settings.overflow == "window":
                whole = np.flatnonzero(~tokenized.truncated)
                tokenized, rows = tokenized.take(whole), rows[whole]
            yield from self._plan(tokenized, rows, settings)

    def _average_windows(self, texts: Sequence[str], settings: EncodeSettings) -> NDArray[np.float32]:
        """Return float32 [n, dim], the token-weighted means of the vectors of each text's windows."""
        windows = self.tokenizer.windows(texts, self.manifest.max_length.value)
        counts = np.array([len(some) for some in windows], dtype=np.int64)
        ids = [ids for some in windows for ids in some]
        lengths = np.array([len(some) for some in ids], dtype=np.int32)
        found = np.empty((len(ids), self.manifest.dim), dtype=np.float32)
        runs = self._plan(TokenizedTexts(ids, lengths, lengths), np.arange(len(ids)), settings)
        for rows, vectors in self._compute(runs, settings):
            found[rows] = vectors
        unit = self.manifest.normalized or settings.output == "unit_embedding"
        return merge_windows(found, lengths, counts, unit=unit)

    def _plan(self, tokenized: TokenizedTexts, rows: Rows, settings: EncodeSettings) -> Iterator[GraphRun]:
        return self.plan_runs(tokenized, rows, settings.token_budget, settings.max_texts)

    def _compute(
        self, runs: Iterator[GraphRun], settings: EncodeSettings
    ) -> Iterator[tuple[Rows, NDArray[np.float32]]]:
        return self.compute(runs, settings.output, skipped=settings.skipped)

    def _tokenize(self, texts: Inputs) -> TokenizedTexts:
        limit = self.manifest.max_length.value
        singles, pairs = singles_and_pairs(texts)
        if not pairs:
            return self.tokenizer.tokenize(singles, limit)
        frame = require_pairs(self.manifest)
        return join_pairs(self._both(pairs), frame, limit, keeps_end=self.tokenizer.keeps_end)

    def _count(self, texts: Inputs) -> NDArray[np.int32]:
        singles, pairs = singles_and_pairs(texts)
        if not pairs:
            return self.tokenizer.count(singles)
        special = require_pairs(self.manifest).special_count
        return np.array([len(one) + len(other) + special for one, other in self._both(pairs)], dtype=np.int32)

    def _both(self, pairs: Sequence[TextPair]) -> Iterator[tuple[list[int], list[int]]]:
        """Yield the ids of both texts of each pair, without special tokens."""
        firsts, seconds = (self.tokenizer.contents([pair[place] for pair in pairs]) for place in (0, 1))
        return zip(firsts, seconds, strict=True)

    def _check_pairs(self, texts: Inputs, settings: EncodeSettings) -> None:
        _, pairs = singles_and_pairs(texts)
        if not pairs:
            return
        require_pairs(self.manifest)
        if settings.overflow == "window":
            raise InputError(
                "overflow is 'window', which cuts a text into windows, but these are pairs of texts: choose 'truncate' "
                "or 'error'"
            )

    def _refuse_overflow(self, texts: Inputs) -> None:
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
