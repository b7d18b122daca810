"""Taking over a checkpoint's tokenizer."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.modules import read_modules
from biolord_export.checkpoint.tokenizer import file as tokenizer_file
from biolord_export.errors import CheckpointError
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from parity.texts import names, passages
from tiny.checkpoint import write_checkpoint
from tiny.tokenizer import BAKED_LENGTH, build_tokenizer, vocabulary
from unit.export.editing import edit_json

SIZE = len(vocabulary("mpnet"))
LONG = "fever " * 60


def prepare_tokenizer(folder: Path, vocabulary: int | None = None) -> str:
    """Take the tokenizer of a folder over, for a token table of so many rows."""
    config = read_encoder_config(folder)
    return tokenizer_file.prepare_tokenizer(
        read_modules(folder), replace(config, vocabulary=vocabulary or config.vocabulary)
    ).json


def ids(text: str, prepared: str) -> list[int]:
    """Tokenize as the artifact will."""
    return Tokenizer.from_json(prepared).tokenize([text], 512).ids[0]


@pytest.mark.parametrize("architecture", ["mpnet", "bert", "xlm-roberta"])
def test_baked_in_padding_and_truncation_are_reset(tmp_path: Path, architecture: str) -> None:
    """A short text isn't filled up to the file's length, and a long one isn't cut to it."""
    write_checkpoint(tmp_path, architecture=architecture)
    written = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    assert written["padding"]["strategy"] == {"Fixed": BAKED_LENGTH}
    assert written["truncation"]["max_length"] == BAKED_LENGTH
    prepared = prepare_tokenizer(tmp_path)
    assert json.loads(prepared)["padding"] is json.loads(prepared)["truncation"] is None
    assert len(ids("fever", prepared)) < BAKED_LENGTH < len(ids(LONG, prepared))


def test_everything_else_is_taken_over(checkpoint: Path) -> None:
    """The ids of a text are those of the checkpoint's own file."""
    own = build_tokenizer("mpnet")
    own.no_padding()
    own.no_truncation()
    prepared = prepare_tokenizer(checkpoint)
    for text in ("Cat scratch injury", "", LONG, "<mask> é 糖尿病 🤒"):
        assert ids(text, prepared) == own.encode(text).ids


@pytest.mark.parametrize("normalizer", ["null", '{"type": "NFC"}'])
@pytest.mark.parametrize("lower", [True, False])
def test_lower_case_is_put_in_front_where_the_checkpoint_asks_for_it(
    checkpoint: Path, lower: bool, normalizer: str
) -> None:
    """sentence-transformers lowers texts for do_lower_case, whatever the tokenizer does after that."""
    edit_json(checkpoint / "sentence_bert_config.json", do_lower_case=lower)
    edit_json(checkpoint / "tokenizer.json", normalizer=json.loads(normalizer))
    prepared = prepare_tokenizer(checkpoint)
    assert (ids("FEVER", prepared) == ids("fever", prepared)) is lower


def test_without_sentence_bert_config_nothing_is_lowered(checkpoint: Path) -> None:
    """The file need not be there."""
    (checkpoint / "sentence_bert_config.json").unlink()
    edit_json(checkpoint / "tokenizer.json", normalizer=None)
    prepared = prepare_tokenizer(checkpoint)
    assert ids("FEVER", prepared) != ids("fever", prepared)


def test_characters_are_kept_as_they_are(checkpoint: Path) -> None:
    """The vocabulary of another script isn't turned into escapes ten times as long."""
    tokenizer = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["糖"] = tokenizer["model"]["vocab"].pop("~")
    (checkpoint / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    assert '"糖"' in prepare_tokenizer(checkpoint)


@pytest.mark.parametrize(
    ("architecture", "other"), [("mpnet", "vocab.txt"), ("xlm-roberta", "sentencepiece.bpe.model")]
)
def test_without_any_tokenizer_file_a_way_to_make_one_is_named(tmp_path: Path, architecture: str, other: str) -> None:
    """Nothing is left to build it from."""
    write_checkpoint(tmp_path, architecture=architecture, tokenizer=False)
    prepare_tokenizer(tmp_path)
    (tmp_path / other).unlink()
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing, .*save_pretrained"):
        prepare_tokenizer(tmp_path)


@pytest.mark.parametrize("architecture", ["mpnet", "bert", "xlm-roberta"])
def test_what_is_built_from_older_files_gives_the_ids_of_the_fast_file(tmp_path: Path, architecture: str) -> None:
    """BioLORD-2023-C and -S have vocab.txt alone; for XLM-R there is sentencepiece's model."""
    fast = prepare_tokenizer(write_checkpoint(tmp_path / "fast", architecture=architecture))
    built = prepare_tokenizer(write_checkpoint(tmp_path / "slow", architecture=architecture, tokenizer=False))
    texts = [*names(200), *passages(20), "Ménière É ½", "x <mask> y   <mask>z", "", "</s> <pad>", "the [MASK]"]
    found, expected = (Tokenizer.from_json(written).tokenize(texts, 512).ids for written in (built, fast))
    for text, one, other in zip(texts, found, expected, strict=True):
        assert one == other, text


@pytest.mark.parametrize("architecture", ["roberta", "mpnet"])
def test_a_file_of_another_family_is_not_taken(tmp_path: Path, architecture: str) -> None:
    """A RoBERTa has byte pairs: neither WordPiece's list nor sentencepiece's model is its tokenizer."""
    write_checkpoint(tmp_path, architecture="xlm-roberta", tokenizer=False)
    edit_json(tmp_path / "config.json", model_type=architecture)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is missing"):
        prepare_tokenizer(tmp_path)


def test_more_tokens_than_vectors_are_refused(checkpoint: Path) -> None:
    """A tokenizer with added tokens beside weights that were not resized."""
    prepare_tokenizer(checkpoint)
    with pytest.raises(CheckpointError, match=rf"ids up to {SIZE - 1}, config.json says vectors for {SIZE - 1}"):
        prepare_tokenizer(checkpoint, SIZE - 1)


def test_an_id_beyond_the_vectors_is_refused_even_in_a_small_vocabulary(checkpoint: Path) -> None:
    """Ids may have gaps: what counts is the highest, not how many there are."""
    tokenizer = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["vocab"]["fever"] = 5000
    (checkpoint / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    with pytest.raises(CheckpointError, match=f"ids up to 5000, config.json says vectors for {SIZE}"):
        prepare_tokenizer(checkpoint)


def test_a_tokenizer_without_special_tokens_is_refused(checkpoint: Path) -> None:
    """An encoder was trained with them, and an empty text would have no token at all."""
    edit_json(checkpoint / "tokenizer.json", post_processor=None)
    with pytest.raises(CheckpointError, match=r"tokenizer\.json puts no special tokens around a text"):
        prepare_tokenizer(checkpoint)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"{", "is not readable JSON"),
        (b"[]", "holds a JSON list"),
        (b"", "is not readable JSON"),
        (b"\xff\xfe{}", "is not readable JSON"),
        (b"{}", "is no tokenizer of an encoder"),
        (b'{"model": {"type": "Oracle"}}', "is no tokenizer of an encoder"),
    ],
)
def test_a_broken_file_is_refused_by_name(checkpoint: Path, content: bytes, complaint: str) -> None:
    """Bytes, JSON and content are checked, and each complaint names the file."""
    (checkpoint / "tokenizer.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"tokenizer\.json {complaint}"):
        prepare_tokenizer(checkpoint)
