"""A real byte-level BPE tokenizer over some 500 pieces, in ModernBERT's manner."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

WORDS = Path(__file__).with_name("pieces.txt")
SPACE = "Ġ"
"""What byte-level BPE makes of a space: words in a text begin with it."""


@cache
def _merges() -> tuple[tuple[str, str], ...]:
    """Grow each word from the left, one character at a time."""
    words = [word for word in WORDS.read_text(encoding="utf-8").split() if not word.startswith("##")]
    found: dict[tuple[str, str], None] = {}
    for word in words:
        for whole in (word, SPACE + word):
            found |= {(whole[:end], whole[end]): None for end in range(1, len(whole))}
    return tuple(found)


def bpe_pieces() -> tuple[str, ...]:
    """List the pieces by id: every byte, then what merges make."""
    return (*sorted(pre_tokenizers.ByteLevel.alphabet()), *dict.fromkeys(a + b for a, b in _merges()))


def build_bpe(vocabulary: Sequence[str], specials: Sequence[str], frame: tuple[str, str]) -> Tokenizer:
    """Build the tokenizer; its special tokens are the last of the vocabulary."""
    ids = {piece: number for number, piece in enumerate(vocabulary)}
    tokenizer = Tokenizer(models.BPE({piece: ids[piece] for piece in bpe_pieces()}, list(_merges())))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=True, use_regex=True)
    tokenizer.add_special_tokens([AddedToken(token, lstrip=token == "[MASK]", normalized=False) for token in specials])
    opening, closing = frame
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{opening} $A {closing}",
        pair=f"{opening} $A {closing} $B {closing}",
        special_tokens=[(opening, ids[opening]), (closing, ids[closing])],
    )
    return tokenizer
