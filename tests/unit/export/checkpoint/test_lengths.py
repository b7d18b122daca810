"""How many tokens a text may have, and which file said so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.lengths import choose_max_length, read_max_length, tell_of_length, usable_positions
from biolord_export.checkpoint.modules import read_modules
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.manifest import MaxLength
from tiny.checkpoint import MAX_SEQ_LENGTH, SIZES, write_checkpoint
from unit.export.editing import edit_json

MPNET_LIMIT = SIZES.positions - 2
"""MPNet's first two position vectors belong to padding."""


def length_of(folder: Path, asked: int | None = None) -> MaxLength:
    """Read a checkpoint folder's limit."""
    config = read_encoder_config(folder)
    return choose_max_length(read_max_length(read_modules(folder), config), config, asked)


def stated(folder: Path, name: str, key: str, literal: str) -> Path:
    """Put a JSON literal, as it stands in the file, under a key."""
    path = folder / name
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, key: "HERE"}).replace('"HERE"', literal), encoding="utf-8")
    return folder


def without_sentence_limit(folder: Path) -> Path:
    """Leave the choice to the tokenizer, as a sentence_bert_config.json with null does."""
    return stated(folder, "sentence_bert_config.json", "max_seq_length", "null")


def test_with_a_module_list_sentence_bert_config_decides(checkpoint: Path) -> None:
    """BioLORD-2023 states 128 there, far below its positions."""
    assert length_of(checkpoint) == MaxLength(MAX_SEQ_LENGTH, "sentence_bert_config.json")


def test_without_a_module_list_sentence_bert_config_is_not_read(tmp_path: Path) -> None:
    """BioLORD-2023-C has the file, and sentence-transformers takes the tokenizer's limit all the same."""
    write_checkpoint(tmp_path, modules=False)
    edit_json(tmp_path / "tokenizer_config.json", model_max_length=50)
    assert length_of(tmp_path) == MaxLength(50, "tokenizer_config.json")


def test_the_tokenizers_limit_is_cut_to_the_positions(tmp_path: Path) -> None:
    """The source then names the file that cut it and the one that was cut."""
    write_checkpoint(tmp_path, modules=False)
    assert length_of(tmp_path) == MaxLength(MPNET_LIMIT, "config.json (tokenizer_config.json: 512)")


@pytest.mark.parametrize("literal", ["1e30", "1000000000000000019884624838656"])
def test_a_tokenizer_without_a_limit_states_a_huge_number(checkpoint: Path, literal: str) -> None:
    """Transformers writes 1e30 for "none", as a float or as a whole number; the positions decide then."""
    stated(without_sentence_limit(checkpoint), "tokenizer_config.json", "model_max_length", literal)
    found = length_of(checkpoint)
    assert found.value == MPNET_LIMIT
    assert found.source.startswith("config.json (tokenizer_config.json: 10")


def test_null_leaves_the_choice_to_the_next_file(checkpoint: Path) -> None:
    """A max_seq_length of null is none at all."""
    edit_json(without_sentence_limit(checkpoint) / "tokenizer_config.json", model_max_length=40)
    assert length_of(checkpoint) == MaxLength(40, "tokenizer_config.json")


def test_no_file_with_a_limit_leaves_the_positions(checkpoint: Path) -> None:
    """A checkpoint that says nothing may be as long as its positions."""
    (checkpoint / "sentence_bert_config.json").unlink()
    (checkpoint / "tokenizer_config.json").unlink()
    assert length_of(checkpoint) == MaxLength(MPNET_LIMIT, "config.json")


def test_mpnets_514_positions_are_512_tokens(tmp_path: Path) -> None:
    """What sentence-transformers would let through, 514, runs into an index error there."""
    write_checkpoint(tmp_path, modules=False)
    edit_json(tmp_path / "config.json", max_position_embeddings=514)
    edit_json(tmp_path / "tokenizer_config.json", model_max_length=514)
    assert usable_positions(read_encoder_config(tmp_path)) == 512
    assert length_of(tmp_path) == MaxLength(512, "config.json (tokenizer_config.json: 514)")


def test_berts_positions_are_all_usable(tmp_path: Path) -> None:
    """BERT counts positions from 0: its padding owns none of them."""
    write_checkpoint(tmp_path, architecture="bert", modules=False)
    assert length_of(tmp_path).value == SIZES.positions


@pytest.mark.parametrize("asked", [3, MAX_SEQ_LENGTH])
def test_what_the_user_asks_for_overrules_every_file(checkpoint: Path, asked: int) -> None:
    """RaTEScore cuts at 30; that it does so earlier than the checkpoint is said."""
    own, found = length_of(checkpoint), length_of(checkpoint, asked)
    assert found == MaxLength(asked, "--max-length")
    note = (
        f"texts are cut at {asked} tokens (--max-length), sentence_bert_config.json says {MAX_SEQ_LENGTH}: vectors of "
        "longer texts are not the checkpoint's"
    )
    assert tell_of_length(found, own) == (() if asked == MAX_SEQ_LENGTH else (note,))


@pytest.mark.parametrize("asked", [MAX_SEQ_LENGTH + 1, MPNET_LIMIT])
def test_more_than_the_checkpoint_says_is_allowed_and_said(checkpoint: Path, asked: int) -> None:
    """Up to the last position; the source names what was overruled, and so does a line for the user."""
    own, found = length_of(checkpoint), length_of(checkpoint, asked)
    assert found == MaxLength(asked, f"--max-length (sentence_bert_config.json: {MAX_SEQ_LENGTH})")
    (warning,) = tell_of_length(found, own)
    assert warning.startswith(f"texts may have {asked} tokens, sentence_bert_config.json says {MAX_SEQ_LENGTH}: ")


def test_a_useless_length_is_overruled_too(checkpoint: Path) -> None:
    """What the message about it proposes works."""
    edit_json(checkpoint / "sentence_bert_config.json", max_seq_length=2)
    assert length_of(checkpoint, 9) == MaxLength(9, "--max-length (sentence_bert_config.json: 2)")


def test_xlm_rs_514_positions_are_512_tokens(tmp_path: Path) -> None:
    """Like MPNet's, and unlike BERT's, its first positions belong to padding."""
    write_checkpoint(tmp_path, architecture="xlm-roberta", modules=False)
    edit_json(tmp_path / "config.json", max_position_embeddings=514)
    assert length_of(tmp_path) == MaxLength(512, "tokenizer_config.json")
    edit_json(tmp_path / "tokenizer_config.json", model_max_length=10**30)
    assert length_of(tmp_path).value == 512


@pytest.mark.parametrize("asked", [-1, 0, 2, MPNET_LIMIT + 1])
def test_a_wish_outside_the_positions_is_refused_with_both_values(checkpoint: Path, asked: int) -> None:
    """Two tokens are the special ones alone, and there is no vector behind the last position."""
    with pytest.raises(CheckpointError, match=rf"--max-length is {asked}, .* 3 to {MPNET_LIMIT} positions"):
        length_of(checkpoint, asked)


@pytest.mark.parametrize("literal", ["-1", "true", '"128"', "128.5", "[128]", "Infinity"])
def test_a_limit_that_is_no_whole_number_is_refused(checkpoint: Path, literal: str) -> None:
    """The file and the key are named; nothing is guessed."""
    stated(checkpoint, "sentence_bert_config.json", "max_seq_length", literal)
    with pytest.raises(CheckpointError, match=r"sentence_bert_config\.json: max_seq_length is .*, expected a whole"):
        length_of(checkpoint)


@pytest.mark.parametrize("literal", ["0", "2", "2.0"])
def test_a_limit_without_room_for_a_word_is_refused(checkpoint: Path, literal: str) -> None:
    """It would otherwise fail at the end of the export, as a complaint about the artifact."""
    stated(checkpoint, "sentence_bert_config.json", "max_seq_length", literal)
    with pytest.raises(
        CheckpointError, match=r"_config\.json allows \d tokens, expected 3 or more: choose a --max-length"
    ):
        length_of(checkpoint)
