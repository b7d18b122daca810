"""Texts that nobody planned for."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import models, normalizers

from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.batching import CHUNK_TEXTS
from biolord_onnx.errors import InputError
from biolord_onnx.tokenizer.check import LONGEST_WORD
from biolord_onnx.tokenizer.pieces import LONGEST_PIECE, PiecesHeader, read_pieces, write_pieces
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from biolord_onnx.tokenizer.unigram import UnigramEncoder
from unit.runtime.tiny_artifact import DIM

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("coverage_paused")]
STRANGE = [
    "",
    " ",
    "\t\r\n",
    "\0",
    "cat\0dog",
    "🐈‍⬛ 👩‍⚕️ 🇧🇪",
    "e\u0301\u0301\u0301\u0301",
    "\u202eتاق\u202c سلام",
    "ﷺ" * 20,
    "[MASK] </s> <s> <pad> <mask> [UNK]",
    "%s %d {} {0} \\n \\u0000",
    "\uffff\ufffe\U0010ffff",
    "\u200b\u2060\ufeff",
    "İıſßŒ",
    "'; DROP TABLE concepts; --",
    "../../etc/passwd",
    "a" * 10_000,
    "a " * 10_000,
    "汉字" * 5_000,
]


def test_strange_texts_have_vectors(embedder: Embedder) -> None:
    """Each gets a finite vector, bit-equal to the one it gets alone."""
    info = embedder.encode_with_info(STRANGE)
    assert np.isfinite(info.vectors).all()
    for row, text in enumerate(STRANGE):
        np.testing.assert_array_equal(info.vectors[row], embedder.encode_with_info(text).vectors)


def test_an_empty_text_is_its_special_tokens(embedder: Embedder) -> None:
    """The empty string, white space and control characters tokenize to nothing but the frame."""
    info = embedder.encode_with_info(["", " ", "\0", "\u200b"])
    assert info.token_counts.tolist() == [2, 2, 2, 2]
    np.testing.assert_array_equal(info.vectors, np.tile(info.vectors[0], (4, 1)))


@pytest.mark.parametrize("position", [0, 3, CHUNK_TEXTS + 5])
def test_a_lone_surrogate_is_found(embedder: Embedder, position: int) -> None:
    """The message names the text's position in the caller's list, repeated texts and chunks regardless."""
    texts = [f"cat {row // 2}" for row in range(CHUNK_TEXTS * 2 + 20)]
    texts[position] = "caf\udce9"
    with pytest.raises(InputError, match=rf"^texts\[{position}\] has a lone surrogate"):
        embedder.encode(texts)
    with pytest.raises(InputError, match=rf"^texts\[{position}\] has a lone surrogate"):
        embedder.count_tokens(texts)


def test_a_hundred_thousand_names(embedder: Embedder) -> None:
    """A vocabulary's worth of names takes seconds, mostly the tokenizer's, and comes back in order."""
    names = [f"cat {row} bite {row % 7}" for row in range(100_000)]
    started = time.process_time()
    vectors = embedder.encode(names)
    assert time.process_time() - started < 60
    assert vectors.shape == (100_000, DIM)
    for row in (0, 4_095, 4_096, 99_999):
        np.testing.assert_array_equal(vectors[row], embedder.encode(names[row]))


def test_a_hundred_thousand_times_the_same(embedder: Embedder) -> None:
    """Repetitions cost no inference."""
    started = time.process_time()
    vectors = embedder.encode(["cat", "dog"] * 50_000)
    assert time.process_time() - started < 5
    np.testing.assert_array_equal(vectors[::2], np.tile(embedder.encode("cat"), (50_000, 1)))


def test_memory_stays_near_the_result(embedder: Embedder) -> None:
    """Texts are tokenized in chunks: Python's memory peaks at a few bytes per text beyond the result."""
    names = [f"cat {row}" for row in range(30_000)]
    tracemalloc.start()
    try:
        vectors = embedder.encode(names)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < vectors.nbytes + 12_500_000


def test_a_book_is_one_text(embedder: Embedder) -> None:
    """A text of three million characters is cut and counted like any other."""
    info = embedder.encode_with_info(["cat " * 750_000, "cat"])
    assert info.token_counts.tolist() == [750_002, 3]
    assert info.truncated.tolist() == [True, False]


LONG_WORDS = {
    "one word": "a" * 20_000,
    "the longest words that are cut": f"{'a' * 255}b " * 80,
    "marks on one letter": "e" + "\u0301" * 20_000,
    "ligatures of eighteen letters": "\ufdfa" * 20_000,
    "one word without spaces": "\u6c49" * 20_000,
    "tokens with spaces before them": "  <mask>" * 2_500,
}


def word_pieces() -> str:
    """Write the slowest WordPiece tokenizer that is let pass: long words, and no piece but the unknown one fits."""
    model = models.WordPiece({"[UNK]": 0, "a": 1, "##a": 2}, unk_token="[UNK]", max_input_chars_per_word=LONGEST_WORD)
    return described(tokenizers.Tokenizer(model))


def unigram() -> str:
    """Write the slowest Unigram tokenizer: a piece of every length."""
    pieces = [("<unk>", 0.0), *(("a" * length, -1.0 * length) for length in range(1, 65))]
    return described(tokenizers.Tokenizer(models.Unigram(pieces, unk_id=0)))


def described(tokenizer: tokenizers.Tokenizer) -> str:
    """Write a tokenizer that makes eight characters of one first."""
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("a", "a" * 8), normalizers.NFKC()])
    tokenizer.add_special_tokens(["<mask>"])
    return tokenizer.to_str()


@pytest.mark.parametrize("text", LONG_WORDS.values(), ids=LONG_WORDS)
@pytest.mark.parametrize("write", [word_pieces, unigram])
def test_what_a_text_may_cost(write: Callable[[], str], text: str) -> None:
    """The slowest tokenizers that an artifact may have take a moment for a page in one word."""
    tokenizer = Tokenizer.from_json(write())
    started = time.process_time()
    assert tokenizer.count([text]).shape == (1,)
    assert time.process_time() - started < 5


@pytest.mark.parametrize("text", LONG_WORDS.values(), ids=LONG_WORDS)
def test_what_a_text_may_cost_in_pieces(tmp_path: Path, text: str) -> None:
    """So does the slowest table of pieces."""
    pieces = [(b"<unk>", 0.0), *((b"a" * length, -1.0 * length) for length in range(1, LONGEST_PIECE + 1))]
    described_table = PiecesHeader(
        pieces=len(pieces),
        text_bytes=sum(len(piece) for piece, _ in pieces),
        longest=LONGEST_PIECE,
        unknown=0,
        prefix=(),
        suffix=(),
        reserved=(),
        frame=described(tokenizers.Tokenizer(models.Unigram([("<unk>", 0.0)], unk_id=0))),
        score_bytes=4,
    )
    write_pieces(tmp_path / "pieces.bin", described_table, pieces)
    encoder = UnigramEncoder(read_pieces(tmp_path / "pieces.bin"), lambda: pytest.fail("the library was asked for"))
    started = time.process_time()
    encoder.encode_batch_fast([text[:2_000]], add_special_tokens=False)
    assert time.process_time() - started < 5
