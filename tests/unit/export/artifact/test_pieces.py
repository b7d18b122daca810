"""Which tokenizers get a table, and that a wrong one is noticed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biolord_export.artifact import pieces
from biolord_export.errors import ExportError
from biolord_onnx.tokenizer.pieces import read_pieces, write_pieces
from tiny.tokenizer import build_tokenizer
from tiny.unigram import build_unigram


def model_json(**changes: object) -> str:
    """The tiny XLM-R's tokenizer with a changed model."""
    values = json.loads(build_unigram())
    return json.dumps(values | {"model": values["model"] | changes})


@pytest.mark.parametrize(
    "tokenizer_json",
    [
        build_tokenizer("mpnet").to_str(),
        model_json(unk_id=None),
        model_json(byte_fallback=True),
        model_json(vocab=[["<unk>", 0.0], ["x" * 33, -1.0]]),
    ],
    ids=["WordPiece", "no unknown token", "bytes as pieces", "an overlong piece"],
)
def test_other_tokenizers_get_none(tmp_path: Path, tokenizer_json: str) -> None:
    """The library is quick with WordPiece, and the rest is nobody's."""
    assert not pieces.compile_pieces(tmp_path / "pieces.bin", tokenizer_json, ["a"])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("score", "size"), [(-1.5, 4), (-1.1, 8)])
def test_scores_are_as_long_as_they_need(tmp_path: Path, score: float, size: int) -> None:
    """What sentencepiece stores has single precision, written out in tokenizer.json; others may have more."""
    vocabulary = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0], ["▁a", score], ["<mask>", 0.0]]
    assert pieces.compile_pieces(tmp_path / "pieces.bin", model_json(vocab=vocabulary), ["a b"])
    assert read_pieces(tmp_path / "pieces.bin").header.score_bytes == size


def test_a_table_that_differs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather no artifact than one with other ids; the text and both sides are named."""
    monkeypatch.setattr(
        pieces, "write_pieces", lambda path, header, found: write_pieces(path, header, [*found[:-9], *found[-9:][::-1]])
    )
    vocabulary = json.loads(build_unigram())["model"]["vocab"]
    last = [name.replace("▁", " ") for name, _ in vocabulary[-9:-1]]
    with pytest.raises(ExportError, match=r"the compiled vocabulary cuts .* into \[.*\], tokenizers into \[.*\]"):
        pieces.compile_pieces(tmp_path / "pieces.bin", build_unigram(), last)
