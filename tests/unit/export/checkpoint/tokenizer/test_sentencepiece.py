"""Building XLM-R's tokenizer from sentencepiece's model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from biolord_export.checkpoint.tokenizer.sentencepiece import build_unigram, model_class
from biolord_export.errors import CheckpointError
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from tiny.sentencepiece import write_model
from tiny.tokenizer import vocabulary
from tiny.unigram import trained_pieces


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of the trained pieces."""
    return write_model(tmp_path / "sentencepiece.bpe.model")


def change(path: Path, **members: object) -> None:
    """Set members of the trainer's part of a model."""
    message: Any = model_class()()
    message.ParseFromString(path.read_bytes())
    for key, value in members.items():
        setattr(message.trainer_spec, key, value)
    path.write_bytes(message.SerializeToString())


def test_ids_are_sentencepieces_and_one(model: Path) -> None:
    """Fairseq's four special tokens stand where sentencepiece has three, and the mask comes last."""
    tokenizer = Tokenizer.from_json(build_unigram(model)).tokenizer
    known = [tokenizer.id_to_token(number) for number in range(tokenizer.get_vocab_size())]
    assert tuple(known) == vocabulary("xlm-roberta")
    assert known[:4] == ["<s>", "<pad>", "</s>", "<unk>"]
    assert known[-1] == "<mask>"


def test_scores_are_kept_in_full(model: Path) -> None:
    """As single precision, which they are stored in."""
    rows = json.loads(build_unigram(model))["model"]["vocab"]
    assert [row[0] for row in rows[4:-1]] == [piece for piece, _ in trained_pieces()]
    assert [row[1] for row in rows[4:-1]] == pytest.approx([score for _, score in trained_pieces()], rel=1e-6)


def test_texts_are_normalized_by_the_models_own_rules(model: Path) -> None:
    """A compiled rule makes ½ three characters; spaces at the end and in a row count for nothing."""
    tokenizer = Tokenizer.from_json(build_unigram(model))
    found = tokenizer.tokenize(["1⁄2", "½", "  ½   ", "½ x", "½    x"], 64).ids
    assert found[0] == found[1]
    assert found[3] == found[4]


def test_a_model_without_rules_is_read(tmp_path: Path) -> None:
    """Then the text stays as it is."""
    path = write_model(tmp_path / "sentencepiece.bpe.model", rules=b"")
    found = Tokenizer.from_json(build_unigram(path)).tokenize(["½", "1⁄2"], 64).ids
    assert found[0] != found[1]


def test_a_special_token_may_be_spelled_out(model: Path) -> None:
    """The mask takes the space before it, as in transformers."""
    tokenizer = Tokenizer.from_json(build_unigram(model))
    mask = len(vocabulary("xlm-roberta")) - 1
    found = tokenizer.tokenize(["x", "x   <mask>", "</s>"], 64).ids
    assert found[1] == [*found[0][:-1], mask, 2]
    assert found[2] == [0, 2, 2]


def test_byte_pairs_are_refused(tmp_path: Path) -> None:
    """Their merges aren't in the file as such."""
    path = write_model(tmp_path / "sentencepiece.bpe.model", kind=2)
    with pytest.raises(
        CheckpointError, match=r"is of model type 2, .* expected 1 \(Unigram\) without: .*save_pretrained"
    ):
        build_unigram(path)


def test_byte_fallback_is_refused(model: Path) -> None:
    """Transformers' conversion drops it, so no conversion is exact."""
    change(model, byte_fallback=True)
    with pytest.raises(CheckpointError, match=r"byte fallback True, expected"):
        build_unigram(model)


def test_another_familys_first_pieces_are_refused(tmp_path: Path) -> None:
    """T5's begin with a padding token, and its ids aren't moved."""
    path = write_model(tmp_path / "spiece.model", first=("<pad>", "</s>", "<unk>"))
    with pytest.raises(CheckpointError, match=r"begins with the pieces \['<pad>', '</s>', '<unk>'\], expected"):
        build_unigram(path)


def test_special_tokens_of_its_own_are_refused(tmp_path: Path) -> None:
    """Behind the first three XLM-R's model has none."""
    path = write_model(tmp_path / "sentencepiece.bpe.model")
    message: Any = model_class()()
    message.ParseFromString(path.read_bytes())
    message.pieces.add(piece="<drug>", score=0.0, type=4)
    path.write_bytes(message.SerializeToString())
    with pytest.raises(CheckpointError, match=r"special tokens of its own, <drug>, XLM-R's has none"):
        build_unigram(path)


@pytest.mark.parametrize("content", [b"\xff" * 40, b"{}", b"\x0a\x05abc"])
def test_what_is_no_model_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    """Bytes that aren't a protocol buffer, or one that ends too early."""
    path = tmp_path / "sentencepiece.bpe.model"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"sentencepiece\.bpe\.model (is not a sentencepiece model|begins with)"):
        build_unigram(path)


def test_broken_rules_are_refused(tmp_path: Path) -> None:
    """Tokenizers says what is wrong with them."""
    path = write_model(tmp_path / "sentencepiece.bpe.model", rules=b"\x00")
    with pytest.raises(CheckpointError, match=r"has normalization rules that tokenizers can't read"):
        build_unigram(path)
