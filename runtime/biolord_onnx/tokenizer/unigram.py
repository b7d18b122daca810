"""Words cut into the likeliest pieces, by a vocabulary that stays in its file.

The tokenizers library keeps a Unigram vocabulary in a tree of hash maps: for XLM-R's 250,002 pieces that is 240 MB, and
half a second at every start. Here the same search (Kudo 2018; the Viterbi algorithm) looks pieces up in a mapped hash
table, and remembers the words of before: in the names and notes of one field they are few. How texts are normalized and
cut into words is left to the library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from math import inf
from threading import Lock
from typing import TYPE_CHECKING, Literal, NamedTuple

from biolord_onnx.artifact.manifest import PIECES_NAME
from biolord_onnx.tokenizer import library as tokenizer_library
from biolord_onnx.tokenizer.pieces import Pieces

if TYPE_CHECKING:
    import tokenizers

# Below the least likely piece, as the library has it: any piece beats what has none.
UNKNOWN_PENALTY = 10.0
REMEMBERED_WORDS = 16_384
# Longer ones, such as sentences in scripts without spaces, hardly come twice.
LONGEST_REMEMBERED = 32


class Found(NamedTuple):
    """The ids of a text without special tokens."""

    ids: list[int]


class UnigramEncoder:
    """Gives the ids that the tokenizers library gives. Safe to use from several threads.

    A text that spells out a special token, such as ``<mask>``, is left to the library itself, which is loaded for the
    first of them.
    """

    def __init__(self, pieces: Pieces, load_library: Callable[[], tokenizers.Tokenizer]) -> None:
        """Take a vocabulary, and what loads the whole tokenizer."""
        self._pieces = pieces
        self._unknown_score = min(pieces.scores) - UNKNOWN_PENALTY
        frame = tokenizer_library.load_library(pieces.header.frame, f"the frame in {PIECES_NAME}").library
        self._normalizer, self._pre_tokenizer = frame.normalizer, frame.pre_tokenizer
        self._remember = lru_cache(REMEMBERED_WORDS)(self._split)
        self._load_library = load_library
        self._library: tokenizers.Tokenizer | None = None
        self._lock = Lock()

    @property
    def library(self) -> tokenizers.Tokenizer:
        """The library's tokenizer, loaded when it is first asked for."""
        with self._lock:
            if self._library is None:
                self._library = self._load_library()
            return self._library

    @property
    def vocabulary(self) -> int:
        """How many ids there are, from 0."""
        return self._pieces.header.pieces

    def encode_batch_fast(
        self,
        texts: Sequence[str],
        *,
        add_special_tokens: Literal[False],  # noqa: ARG002 - part of the library's signature
    ) -> list[Found]:
        """Encode texts; named and called as the library's method."""
        return [Found(self._encode(text)) for text in texts]

    def _encode(self, text: str) -> list[int]:
        normal = self._normalizer.normalize_str(text) if self._normalizer else text
        if any(token in text or token in normal for token in self._pieces.header.reserved):
            ids: list[int] = self.library.encode(text, add_special_tokens=False).ids
            return ids
        return [number for word in self._words(normal) for number in self._cut(word)]

    def _words(self, normal: str) -> Iterator[str]:
        if self._pre_tokenizer is None:
            return iter((normal,))
        return (word for word, _ in self._pre_tokenizer.pre_tokenize_str(normal))

    def _cut(self, word: str) -> tuple[int, ...]:
        return self._remember(word) if len(word) <= LONGEST_REMEMBERED else self._split(word)

    def _split(self, word: str) -> tuple[int, ...]:
        """Cut a word: neighboring characters without a piece are one unknown token."""
        begins, pieces = self._best_ways(word)
        unknown = self._pieces.header.unknown
        ids: list[int] = []
        stop = len(word)
        while stop:
            if pieces[stop] != unknown or not ids or ids[-1] != unknown:
                ids.append(pieces[stop])
            stop = begins[stop]
        return tuple(reversed(ids))

    def _best_ways(self, word: str) -> tuple[list[int], list[int]]:
        """Find, for each place in a word, where the last piece of the best way to it begins, and that piece."""
        find, scores, header = self._pieces.find, self._pieces.scores, self._pieces.header
        data, ends = word.encode(), [0, *accumulate(len(character.encode()) for character in word)]
        best = [0.0] + [-inf] * len(word)
        begins, pieces = [0] * len(best), [header.unknown] * len(best)
        for start in range(len(word)):
            for stop in range(start + 1, min(start + header.longest, len(word)) + 1):
                piece = find(data[ends[start] : ends[stop]])
                if piece < 0 and stop > start + 1:
                    continue
                way = best[start] + (self._unknown_score if piece < 0 else scores[piece])
                if way > best[stop]:
                    best[stop], begins[stop] = way, start
                    pieces[stop] = header.unknown if piece < 0 else piece
        return begins, pieces
