"""Tokenization. That ids equal the library's own truncation for any text stands in tests/property."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tokenizers
from tokenizers import processors

from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from unit.runtime.tiny_artifact import tiny_tokenizer

LIMIT = 6


def save(tmp_path: Path, change: Callable[[tokenizers.Tokenizer], object]) -> Path:
    """Save a tiny tokenizer with a change."""
    tokenizer = tiny_tokenizer()
    change(tokenizer)
    path = tmp_path / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def pad_and_cut(tokenizer: tokenizers.Tokenizer) -> None:
    """Pad to 128 and cut at 3, as some checkpoints' files do."""
    tokenizer.enable_padding(length=128, pad_id=1)
    tokenizer.enable_truncation(3)


def use_template(single: str) -> Callable[[tokenizers.Tokenizer], object]:
    """Change the frame around a text."""

    def change(tokenizer: tokenizers.Tokenizer) -> None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=single, special_tokens=[("<s>", 0), ("</s>", 2)]
        )

    return change


@pytest.fixture(scope="module")
def tokenizer(tiny: Path) -> Tokenizer:
    """Load the tiny artifact's tokenizer."""
    return Tokenizer.load(tiny / "tokenizer.json")


def test_special_tokens_frame_a_text(tokenizer: Tokenizer) -> None:
    """The frame is found from the file: one token in front, one behind."""
    assert (tokenizer.prefix, tokenizer.suffix, tokenizer.special_count) == ((0,), (2,), 2)
    assert tokenizer.tokenize(["cat scratch"], LIMIT).ids == [[0, 5, 7, 2]]


def test_long_texts_are_cut_inside_the_frame(tokenizer: Tokenizer) -> None:
    """A cut text keeps its frame; full lengths tell what it had."""
    tokenized = tokenizer.tokenize(["cat " * 9, "", "cat " * 4, "cat " * 5], LIMIT)
    assert tokenized.ids == [[0, 5, 5, 5, 5, 2], [0, 2], [0, 5, 5, 5, 5, 2], [0, 5, 5, 5, 5, 2]]
    np.testing.assert_array_equal(tokenized.lengths, [6, 2, 6, 6])
    np.testing.assert_array_equal(tokenized.full_lengths, [11, 2, 6, 7])
    np.testing.assert_array_equal(tokenized.truncated, [True, False, False, True])
    assert tokenized.lengths.dtype == tokenized.full_lengths.dtype == np.int32
    assert tokenized.truncated.dtype == np.bool_


def test_no_texts(tokenizer: Tokenizer) -> None:
    """Nothing in, nothing out, in the right types."""
    tokenized = tokenizer.tokenize([], LIMIT)
    assert (tokenized.ids, tokenized.lengths.shape, tokenized.truncated.shape) == ([], (0,), (0,))
    assert tokenizer.count([]).shape == (0,)


@pytest.mark.parametrize("count", [255, 256, 257, 600])
def test_slices_join(tokenizer: Tokenizer, count: int) -> None:
    """However many texts the library is given at once, each has its own ids, in order."""
    texts = ["cat " * (number % 5) for number in range(count)]
    expected = [tokenizer.tokenize([text], LIMIT).ids[0] for text in texts[:5]]
    tokenized = tokenizer.tokenize(texts, LIMIT)
    assert tokenized.ids == [expected[number % 5] for number in range(count)]
    np.testing.assert_array_equal(tokenizer.count(texts), tokenized.full_lengths)


def test_counting_equals_full_lengths(tokenizer: Tokenizer) -> None:
    """`count` gives the lengths before the cut."""
    texts = ["cat " * 30, "", "scratching \0 itis"]
    np.testing.assert_array_equal(tokenizer.count(texts), tokenizer.tokenize(texts, LIMIT).full_lengths)
    assert tokenizer.count(texts).dtype == np.int32


def test_special_tokens_written_in_a_text_are_special(tokenizer: Tokenizer) -> None:
    """As with transformers, ``</s>`` in a text is the token itself."""
    assert tokenizer.tokenize(["cat</s>cat<mask>"], 16).ids == [[0, 5, 2, 5, 4, 2]]


def test_nul_passes_through(tokenizer: Tokenizer) -> None:
    """A NUL character is no end of the text."""
    assert tokenizer.tokenize(["cat\0 dog"], LIMIT).ids == [[0, 5, 6, 2]]


def test_string_subclasses_are_strings(tokenizer: Tokenizer) -> None:
    """Numpy's strings tokenize like Python's."""
    assert tokenizer.tokenize([np.str_("cat")], LIMIT).ids == [[0, 5, 2]]


def test_a_limit_of_the_frame_alone(tokenizer: Tokenizer) -> None:
    """With room for nothing only the frame is left."""
    assert tokenizer.tokenize(["cat"], 2).ids == [[0, 2]]


def test_a_limit_below_the_frame_is_refused(tokenizer: Tokenizer) -> None:
    """A negative room must not cut from the wrong end."""
    with pytest.raises(InputError, match="max_length is 1, but 2 special tokens frame every text"):
        tokenizer.tokenize(["cat"], 1)


def test_padding_and_truncation_in_the_file_are_refused(tmp_path: Path) -> None:
    """An artifact's file has none: other readers would follow it."""
    with pytest.raises(ArtifactError, match=r"truncation is an object, expected null: the manifest has the limit"):
        Tokenizer.load(save(tmp_path, pad_and_cut))


@pytest.mark.parametrize(
    ("single", "prefix", "suffix"),
    [("$A", (), ()), ("$A </s>", (), (2,)), ("<s> <s> $A </s> </s> </s>", (0, 0), (2, 2, 2))],
)
def test_any_frame_is_found(tmp_path: Path, single: str, prefix: tuple[int, ...], suffix: tuple[int, ...]) -> None:
    """Special tokens may stand on one side, on none, or be many."""
    tokenizer = Tokenizer.load(save(tmp_path, use_template(single)))
    assert (tokenizer.prefix, tokenizer.suffix) == (prefix, suffix)
    assert tokenizer.tokenize(["dog"], 9).ids == [[*prefix, 6, *suffix]]


@pytest.mark.parametrize("single", ["<s> </s>", "<s> $A </s> $A"])
def test_a_frame_that_is_none_is_refused(tmp_path: Path, single: str) -> None:
    """A post-processor that drops or repeats the text can't be imitated."""
    with pytest.raises(ArtifactError, match=r"frames 'a' as ids \[0, .+\], expected special ids around"):
        Tokenizer.load(save(tmp_path, use_template(single)))


@pytest.mark.parametrize("content", ["", "{", "{}", '{"a": 1}', "\0"])
def test_what_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    """The message names the file and the library's version."""
    path = tmp_path / "tokenizer.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ArtifactError, match=rf"{path} is not a tokenizer that this tokenizers \d"):
        Tokenizer.load(path)


def test_a_missing_tokenizer_is_refused(tmp_path: Path) -> None:
    """No file is an ArtifactError, too."""
    with pytest.raises(ArtifactError, match="can't be read"):
        Tokenizer.load(tmp_path / "tokenizer.json")


def test_a_tokenizer_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Bytes that aren't UTF-8."""
    (tmp_path / "tokenizer.json").write_bytes(b'"\xff"')
    with pytest.raises(ArtifactError, match="is not a readable text file"):
        Tokenizer.load(tmp_path / "tokenizer.json")


def test_a_tokenizer_of_gigabytes_is_refused(tmp_path: Path) -> None:
    """A sparse one takes no room on the disk, and none in memory."""
    path = tmp_path / "tokenizer.json"
    path.touch()
    os.truncate(path, 8 << 30)
    with pytest.raises(ArtifactError, match=r"tokenizer.json has 8589934592 bytes, expected 268435456 at most"):
        Tokenizer.load(path)
