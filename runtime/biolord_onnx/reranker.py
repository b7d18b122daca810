"""A query and texts in, scores and an order out."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.encoding.pairs import Scorer
from biolord_onnx.encoding.texts import as_texts
from biolord_onnx.errors import InputError, TruncationWarning
from biolord_onnx.opened import Opened


@dataclass(frozen=True, slots=True)
class Ranked:
    """A text among those that were ranked.

    Attributes:
        place: Of the text in the list that was given, from 0.
        score: How well it fits the query, larger is better.
    """

    place: int
    score: float


@dataclass(frozen=True, slots=True)
class ScoreInfo:
    """Scores and what was done to the texts.

    Attributes:
        scores: float32 [n], after the activation.
        logits: float32 [n], before it.
        token_counts: int32 [n], tokens of each pair before any cut, special tokens included.
        truncated: bool [n], which pairs were cut to the limit.
    """

    scores: NDArray[np.float32]
    logits: NDArray[np.float32]
    token_counts: NDArray[np.int32]
    truncated: NDArray[np.bool_]

    def best(self, top: int | None = None) -> NDArray[np.int64]:
        """Return the places of the best texts, best first.

        They are ordered before the activation, which tells large values apart no more; of equal ones the first comes
        first.
        """
        return np.argsort(-self.logits, kind="stable")[:top].astype(np.int64, copy=False)


class Reranker(Opened[Scorer]):
    """Scores how well texts answer a query, with the artifact of a cross-encoder. Safe to share between threads.

    A score is a function of query and text alone: order, duplicates, batches and threads never change it.

    Examples:
        >>> with Reranker.load("medcpt-cross-encoder-cpu-int8") as reranker:  # doctest: +SKIP
        ...     best = reranker.rank("cat scratch", ["Bartonellosis", "Dog bite"], top=1)
    """

    @classmethod
    def load(
        cls,
        path: Path | str,
        *,
        provider: str = "auto",
        threads: int | None = None,
        verify_hashes: bool = True,
        fingerprint: str | None = None,
    ) -> Reranker:
        """Open the artifact of a cross-encoder and load its graph; the arguments are those of `Embedder.load`.

        Raises:
            ArtifactError: It is the artifact of an embedding checkpoint, or as of `Embedder.load`.
            BiolordError: As of `Embedder.load`.
            TypeError: ``threads`` is no whole number.
        """
        artifact = open_artifact(path, verify_hashes=False, fingerprint=fingerprint)
        return cls(artifact, Scorer.load(artifact, provider=provider, threads=threads, verify_hashes=verify_hashes))

    def score(self, query: str, texts: Iterable[str], *, raw: bool = False) -> NDArray[np.float32]:
        """Score texts for a query.

        Pairs over `max_length` are cut, the longer of the two first, with one `TruncationWarning` per call.

        Args:
            query: A string.
            texts: Any iterable of n strings.
            raw: Give the scores before the checkpoint's activation.

        Returns:
            float32 [n], as sentence-transformers' ``CrossEncoder.predict`` gives them for the checkpoint.

        Raises:
            TypeError: ``query`` is no string, or ``texts`` not several; the message names the position.
            InputError: A text can't be encoded as UTF-8.
            BiolordError: The reranker is closed, or onnxruntime failed.
        """
        info = self.score_with_info(query, texts)
        self._warn_of_cuts(info)
        return info.logits if raw else info.scores

    def rank(self, query: str, texts: Iterable[str], top: int | None = None, *, raw: bool = False) -> list[Ranked]:
        """Order texts by how well they answer a query, best first, equal ones in the order given.

        Args:
            query: A string.
            texts: Any iterable of strings.
            top: How many to return; None for all.
            raw: Give the scores before the checkpoint's activation.

        Raises:
            InputError: ``top`` is less than 1, or as of `score`.
            TypeError: As of `score`.
            BiolordError: As of `score`.
        """
        if top is not None and top < 1:
            raise InputError(f"top is {top}, expected 1 or more")
        info = self.score_with_info(query, texts)
        self._warn_of_cuts(info)
        shown = info.logits if raw else info.scores
        return [Ranked(place, float(shown[place])) for place in info.best(top).tolist()]

    def score_with_info(self, query: str, texts: Iterable[str]) -> ScoreInfo:
        """Score texts and tell token counts and which pairs were cut; no warning is given.

        Raises:
            TypeError: As of `score`.
            InputError: As of `score`.
            BiolordError: As of `score`.
        """
        scorer = self._open("score")
        if not isinstance(query, str):
            raise TypeError(f"query is {type(query).__name__}, expected str")
        if isinstance(texts, str):
            raise TypeError("texts is str, expected an iterable of str: put a single text into a list")
        (asked,) = as_texts(query)
        logits, counts = scorer.logits(asked, as_texts(texts))
        scores = _ACTIVATIONS[scorer.frame.activation](logits)
        return ScoreInfo(scores, logits, counts, counts > self.max_length)

    def __repr__(self) -> str:
        """Name the artifact and how it runs."""
        return f"<Reranker {self.manifest.name} provider={self._provider} threads={self._threads}>"

    def _warn_of_cuts(self, info: ScoreInfo) -> None:
        cut = int(np.count_nonzero(info.truncated))
        if cut:
            message = f"{cut} of {info.truncated.size} pairs have more than {self.max_length} tokens and were cut"
            warnings.warn(message, TruncationWarning, stacklevel=3)


def _sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    # In double precision, so that what differs between CPUs is rounded away; of -|x|, which never overflows.
    small = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits < 0, small / (1 + small), 1 / (1 + small)).astype(np.float32)


def _identity(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    return logits


_ACTIVATIONS = {"sigmoid": _sigmoid, "identity": _identity}
