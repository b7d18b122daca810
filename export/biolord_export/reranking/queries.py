"""Queries with candidates, made of the built-in texts: what a reranker is calibrated and measured on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from biolord_export.checkpoint.weights import Float32

CANDIDATES = 50
"""Of a query: what a search hands to a reranker."""
FEWER_CANDIDATES = {"passages": 20, "general": 20}
"""Of kinds whose texts are long: the float32 graph takes longest for them."""
QUERIES = {"names": 60, "passages": 8, "general": 8}
"""How many of each kind of verification texts are queries."""
MOST_QUERIES = 100
"""How many of a user's texts are."""
BUCKETS = 2048
GRAM = 3


@dataclass(frozen=True, slots=True)
class Query:
    """A query and the texts to order."""

    text: str
    candidates: tuple[str, ...]


def calibration_pairs(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Pair calibration texts: of three, one with itself, one with its neighbor, often of its kind, and one at random.

    So an encoder sees pairs that fit, that nearly do and that don't, and queries as long as texts.
    """
    for number, text in enumerate(texts):
        others = (text, texts[(number + 1) % len(texts)], texts[(number * 7919 + 13) % len(texts)])
        yield text, others[number % len(others)]


def make_queries(texts: Mapping[str, Sequence[str]]) -> dict[str, list[Query]]:
    """Make queries of each kind: texts at even distances, each with those of its kind that are spelled most like it.

    A candidate list from a search looks like that: nothing in it is far off. The query itself isn't among them.
    """
    return {
        kind: list(_queries(lines, QUERIES.get(kind, MOST_QUERIES), FEWER_CANDIDATES.get(kind, CANDIDATES)))
        for kind, lines in texts.items()
    }


def _queries(texts: Sequence[str], count: int, candidates: int) -> Iterator[Query]:
    unique = list(dict.fromkeys(texts))
    vectors = np.stack([_spelling(text) for text in unique])
    for row in np.linspace(0, len(unique) - 1, min(count, len(unique))).astype(int).tolist():
        alike = vectors @ vectors[row]
        alike[row] = -1
        nearest = np.argsort(-alike, kind="stable")[: min(candidates, len(unique) - 1)]
        yield Query(unique[row], tuple(unique[other] for other in nearest.tolist()))


def _spelling(text: str) -> Float32:
    """Count a text's runs of three letters, by their hash; float32 [BUCKETS], of length 1."""
    padded = f"  {text.lower()} "
    grams = [padded[start : start + GRAM] for start in range(len(padded) - GRAM + 1)]
    buckets = [crc32(gram.encode()) % BUCKETS for gram in grams]
    counts = np.bincount(buckets, minlength=BUCKETS).astype(np.float32)
    return counts / np.linalg.norm(counts)
