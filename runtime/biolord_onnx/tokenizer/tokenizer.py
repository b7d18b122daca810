"""From texts to token ids: the artifact's own tokenizer, cut to the model's limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.bounded import read_file
from biolord_onnx.artifact.manifest import TOKENIZER_NAME
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.tokenizer.library import load_library, told
from biolord_onnx.tokenizer.pieces import read_pieces
from biolord_onnx.tokenizer.unigram import UnigramEncoder
from biolord_onnx.tokenizer.windows import cut_windows

if TYPE_CHECKING:
    import tokenizers

LARGEST_TOKENIZER = 256 * 1024 * 1024
"""XLM-R's takes 17 MB."""
_PROBE = "a"
# The library's result for a token takes some hundred bytes, of which 4 are the id: only so many texts have one at once.
_SLICE = 256


@dataclass(frozen=True, slots=True)
class TokenizedTexts:
    """Token ids of n texts.

    Attributes:
        ids: Per text its ids, special tokens included, cut to the limit.
        lengths: int32 [n], tokens per text after cutting.
        full_lengths: int32 [n], tokens per text before cutting.
        seconds: int64 [n], place of the first token of type 1: a pair's second text, or the suffix where that is empty;
            None for single texts, whose tokens have the type 0.
    """

    ids: list[list[int]]
    lengths: NDArray[np.int32]
    full_lengths: NDArray[np.int32]
    seconds: NDArray[np.int64] | None = None

    @property
    def truncated(self) -> NDArray[np.bool_]:
        """Bool [n], which texts were cut."""
        return self.full_lengths > self.lengths

    def take(self, places: NDArray[np.int64]) -> TokenizedTexts:
        """Return some of the texts."""
        ids = [self.ids[place] for place in places.tolist()]
        seconds = None if self.seconds is None else self.seconds[places]
        return TokenizedTexts(ids, self.lengths[places], self.full_lengths[places], seconds)


@dataclass(frozen=True, slots=True)
class Tokenizer:
    """A tokenizer of the ``tokenizers`` library without padding or truncation of its own.

    Cutting here rather than there keeps the object immutable, hence safe between threads, and tells the full
    length.

    Attributes:
        engine: Gives ids without special tokens: the library, or what gives the same ids with less memory.
        prefix: Special ids in front of every text.
        suffix: Special ids behind every text.
        highest_id: No token has a higher one.
        keeps_end: Whether texts over the limit lose their beginning instead of their end.
    """

    engine: tokenizers.Tokenizer | UnigramEncoder
    prefix: tuple[int, ...]
    suffix: tuple[int, ...]
    highest_id: int
    keeps_end: bool = False

    @classmethod
    def load(
        cls,
        path: Path | str,
        pieces: Path | None = None,
        *,
        late: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> Tokenizer:
        """Load a ``tokenizer.json``.

        Args:
            path: The file.
            pieces: The table of its vocabulary, if there is one; then the file is loaded only if a text needs it.
            late: Is around that, and checks that the file is still the same.

        Raises:
            ArtifactError: A file is damaged, or its special tokens don't stand around the text.
        """
        if pieces:
            table = read_pieces(pieces)

            def load_library() -> tokenizers.Tokenizer:
                with late():
                    return cls.load(path).tokenizer

            encoder = UnigramEncoder(table, load_library)
            return cls(encoder, table.header.prefix, table.header.suffix, table.header.highest_id)
        try:
            text = read_file(Path(path), LARGEST_TOKENIZER).decode("utf-8")
        except UnicodeDecodeError as error:
            raise ArtifactError(f"{path} is not a readable text file ({error}): export the artifact again") from error
        return cls.from_json(text, path)

    @classmethod
    def from_json(cls, text: str, path: Path | str = TOKENIZER_NAME) -> Tokenizer:
        """Make a tokenizer from the text of a ``tokenizer.json``.

        Args:
            text: The JSON document.
            path: Where it came from, for messages.

        Raises:
            ArtifactError: The text isn't one, or its special tokens don't stand around the text.
        """
        loaded = load_library(text, path)
        with told(f"{path} can't cut {_PROBE!r} into tokens"):
            prefix, suffix = _special_ids(loaded.library, path)
        return cls(loaded.library, prefix, suffix, max(loaded.highest_id, *prefix, *suffix, 0))

    @property
    def tokenizer(self) -> tokenizers.Tokenizer:
        """The library's tokenizer."""
        return self.engine.library if isinstance(self.engine, UnigramEncoder) else self.engine

    @property
    def vocabulary(self) -> int:
        """How many ids there are, from 0."""
        if isinstance(self.engine, UnigramEncoder):
            return self.engine.vocabulary
        return int(self.engine.get_vocab_size(with_added_tokens=True))

    @property
    def special_count(self) -> int:
        """How many special tokens every text gets."""
        return len(self.prefix) + len(self.suffix)

    def tokenize(self, texts: Sequence[str], max_length: int) -> TokenizedTexts:
        """Tokenize texts and cut each to ``max_length`` tokens, special tokens included.

        The ids equal those of transformers' fast tokenizer with ``truncation=True``.

        Args:
            texts: n strings that UTF-8 can encode, as `biolord_onnx.encoding.texts.as_texts` lets pass.
            max_length: The limit, at least the number of special tokens.

        Raises:
            InputError: ``max_length`` is less than that.
        """
        room = max_length - self.special_count
        if room < 0:
            raise InputError(
                f"max_length is {max_length}, but {self.special_count} special tokens frame every text: raise it"
            )
        contents = list(self.contents(texts))
        prefix, suffix = [*self.prefix], [*self.suffix]
        full = np.fromiter(map(len, contents), dtype=np.int32, count=len(contents)) + np.int32(self.special_count)
        starts = [max(0, len(content) - room) if self.keeps_end else 0 for content in contents]
        ids = [prefix + content[start : start + room] + suffix for start, content in zip(starts, contents, strict=True)]
        return TokenizedTexts(ids, np.minimum(full, np.int32(max_length)), full)

    def windows(self, texts: Sequence[str], max_length: int) -> list[list[list[int]]]:
        """Tokenize texts into overlapping windows of at most ``max_length`` tokens, special tokens around each.

        Args:
            texts: n strings, as for `tokenize`.
            max_length: The limit, more than the number of special tokens.

        Returns:
            For each text the token ids of its windows.
        """
        prefix, suffix = [*self.prefix], [*self.suffix]
        room = max_length - self.special_count
        return [[prefix + window + suffix for window in cut_windows(content, room)] for content in self.contents(texts)]

    def count(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """Return int32 [n], the tokens per text before any cut, special tokens included."""
        counts = np.fromiter(map(len, self.contents(texts)), dtype=np.int32, count=len(texts))
        return counts + np.int32(self.special_count)

    def contents(self, texts: Sequence[str]) -> Iterator[list[int]]:
        """Yield the ids of each text without special tokens, not cut."""
        for start in range(0, len(texts), _SLICE):
            with told("the artifact's tokenizer failed on a text"):
                some = self.engine.encode_batch_fast(texts[start : start + _SLICE], add_special_tokens=False)
            yield from (encoding.ids for encoding in some)


def _special_ids(tokenizer: tokenizers.Tokenizer, path: Path | str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Find the ids that the post-processor puts before and behind a text."""
    framed = tokenizer.encode(_PROBE)
    bare = tokenizer.encode(_PROBE, add_special_tokens=False).ids
    start = framed.special_tokens_mask.index(0) if 0 in framed.special_tokens_mask else len(framed.ids)
    prefix, suffix = framed.ids[:start], framed.ids[start + len(bare) :]
    if not bare or prefix + bare + suffix != framed.ids:
        raise ArtifactError(
            f"{path} frames {_PROBE!r} as ids {framed.ids}, expected special ids around {bare}: "
            "export the artifact again"
        )
    return tuple(prefix), tuple(suffix)
