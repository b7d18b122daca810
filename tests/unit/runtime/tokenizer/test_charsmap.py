"""sentencepiece's compiled rules: those of its compilers pass, and none that the library would leave."""

from __future__ import annotations

import base64
import random
import struct

import pytest
from tokenizers import normalizers

from biolord_onnx.tokenizer.charsmap import is_charsmap
from tiny.charsmap import compile_rules
from tiny.unigram import charsmap

TEXTS = ("a", "ﬁ ½ ﷺ", "汉字\u3000", "e\u0301", "\u00a0\u2003\t", "İı", "🐈", "\u0200\u0201\u02ff")


def encoded(data: bytes) -> str:
    """Write rules as tokenizer.json does."""
    return base64.b64encode(data).decode()


def test_compiled_rules_pass() -> None:
    """As a compiler writes them."""
    assert is_charsmap(encoded(charsmap()))
    assert is_charsmap(encoded(compile_rules({"a": "b", "ab": "ccc"})))


@pytest.mark.parametrize("size", [0, 3, 6, 2**31])
def test_a_size_that_lies_is_refused(size: int) -> None:
    """Of the trie: none, no whole units, or more than there are bytes."""
    data = charsmap()
    assert not is_charsmap(encoded(struct.pack("<I", size) + data[4:]))


@pytest.mark.parametrize("value", [None, 3, "", "====", "AA", "not base 64!", "AAAA", "////fwAA"])
def test_what_is_none_is_refused(value: object) -> None:
    """No text, no base 64, or too short."""
    assert not is_charsmap(value)


def test_a_long_replacement_is_refused() -> None:
    """A character that becomes a page."""
    assert is_charsmap(encoded(compile_rules({"a": "x" * 64})))
    assert not is_charsmap(encoded(compile_rules({"a": "x" * 65})))


def test_replacements_are_text() -> None:
    """The library takes them for UTF-8."""
    assert not is_charsmap(encoded(compile_rules({"a": "b"}).replace(b"b\0", b"\xff\0")))


def test_damaged_rules_that_pass_are_walked_without_a_panic() -> None:
    """Twenty thousand of them: what is let pass doesn't make the library read past its arrays."""
    data, passed = compile_rules({"a": "b", "ab": "ccc", "ﬁ": "fi", "½": "1/2"}), 0
    used = [place for place in range(len(data)) if data[place]]  # most of the trie is unused
    for number in range(20_000):
        chance = random.Random(number)
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 1, 3))):
            damaged[chance.choice(used)] = chance.randrange(256)
        if is_charsmap(encoded(bytes(damaged))):
            passed += 1
            normalizer = normalizers.Precompiled(bytes(damaged))
            for text in TEXTS:
                normalizer.normalize_str(text)
    assert passed > 1000
