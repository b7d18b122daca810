"""Building a WordPiece tokenizer from vocab.txt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biolord_export.checkpoint.tokenizer.vocabulary import build_wordpiece
from biolord_export.errors import CheckpointError
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from family.layouts import LAYOUTS, write_layout
from tiny.checkpoint import write_checkpoint
from tiny.tokenizer import vocabulary, write_json
from unit.export.editing import edit_json

UNKNOWN = "病"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An MPNet's folder as BioLORD-2023-C has it."""
    return write_layout(tmp_path / "model", LAYOUTS["BioLORD-2023-C"])


def ids(folder: Path, text: str, model_type: str = "mpnet") -> list[int]:
    """Tokenize with what is built."""
    return Tokenizer.from_json(build_wordpiece(folder, model_type)).tokenize([text], 512).ids[0]


def without_settings(folder: Path) -> Path:
    """Leave vocab.txt alone in the folder."""
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).unlink()
    return folder


def test_mpnet_has_two_unknown_tokens_and_the_right_one_is_taken(folder: Path) -> None:
    """`[UNK]` is what a word becomes; `<unk>`, one place before it, is a leftover of fairseq."""
    pieces = vocabulary("mpnet")
    assert ids(folder, UNKNOWN) == [pieces.index("<s>"), pieces.index("[UNK]"), pieces.index("</s>")]
    assert pieces.index("[UNK]") != pieces.index("<unk>")


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_without_settings_the_familys_own_special_tokens_are_taken(tmp_path: Path, architecture: str) -> None:
    """vocab.txt alone is enough."""
    folder = write_checkpoint(tmp_path, architecture=architecture, tokenizer=False)
    texts = ("Fever É", "", "<s> [SEP] <mask> [MASK] [UNK]", UNKNOWN)
    before = [ids(folder, text, architecture) for text in texts]
    without_settings(folder)
    assert [ids(folder, text, architecture) for text in texts] == before


def test_settings_of_the_normalizer_are_followed(folder: Path) -> None:
    """Lower case, accents and Chinese characters, as tokenizer_config.json says."""
    lowered, plain = ids(folder, "FEVER"), ids(folder, "fever")
    assert lowered == plain
    edit_json(folder / "tokenizer_config.json", do_lower_case=False)
    assert ids(folder, "FEVER") != plain
    assert ids(folder, "fév") != ids(folder, "fev")
    edit_json(folder / "tokenizer_config.json", strip_accents=True)
    assert ids(folder, "fév") == ids(folder, "fev")
    assert len(ids(folder, UNKNOWN * 3)) == 5
    edit_json(folder / "tokenizer_config.json", tokenize_chinese_chars=False)
    assert len(ids(folder, UNKNOWN * 3)) == 3


def test_the_mask_takes_the_space_before_it(folder: Path) -> None:
    """Spaces mean nothing to WordPiece, so only the special token itself is seen."""
    mask = vocabulary("mpnet").index("<mask>")
    assert ids(folder, "x   <mask>") == [*ids(folder, "x")[:-1], mask, 2]


def test_a_special_token_may_be_an_object_or_in_the_other_file(folder: Path) -> None:
    """Transformers has written them in three ways over the years."""
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    before = ids(folder, "fever <mask>")
    del settings["added_tokens_decoder"]
    mask = {"content": "<mask>", "single_word": False, "lstrip": True, "rstrip": False, "normalized": False}
    write_json(folder / "tokenizer_config.json", {**settings, "mask_token": {**mask, "__type": "AddedToken"}})
    assert ids(folder, "fever <mask>") == before
    del settings["mask_token"]
    write_json(folder / "tokenizer_config.json", settings)
    write_json(folder / "special_tokens_map.json", {"mask_token": mask})
    assert ids(folder, "fever <mask>") == before


def test_a_last_line_without_a_line_break_counts(folder: Path) -> None:
    """The mask is on it."""
    before = ids(folder, "fever <mask>")
    path = folder / "vocab.txt"
    path.write_text(path.read_text(encoding="utf-8").rstrip("\n"), encoding="utf-8")
    assert ids(folder, "fever <mask>") == before


def test_a_vocabulary_without_its_special_tokens_is_refused(folder: Path) -> None:
    """The names are in the message."""
    path = folder / "vocab.txt"
    path.write_text(path.read_text(encoding="utf-8").replace("<pad>\n", "padding\n"), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"vocab\.txt lacks the special tokens <pad>: "):
        build_wordpiece(folder, "mpnet")


def test_added_tokens_beyond_the_vocabulary_are_left_to_who_adds_tokens(folder: Path) -> None:
    """They get the next ids, once the tokenizer is built."""
    edit_json(folder / "tokenizer_config.json", added_tokens_decoder={"9999": {"content": "[DRUG]", "special": True}})
    assert "[DRUG]" not in build_wordpiece(folder, "mpnet")


@pytest.mark.parametrize(
    ("members", "complaint"),
    [
        ({"do_lower_case": "yes"}, "do_lower_case is 'yes', expected true or false"),
        ({"strip_accents": 1}, "strip_accents is 1, expected true or false"),
        ({"unk_token": 5}, "a special token is 5, expected a text"),
        ({"added_tokens_decoder": []}, r"added_tokens_decoder is \[\], expected an object"),
    ],
)
def test_broken_settings_are_refused_by_name(folder: Path, members: dict[str, object], complaint: str) -> None:
    """Nothing is guessed."""
    edit_json(folder / "tokenizer_config.json", **members)
    with pytest.raises(CheckpointError, match=rf"tokenizer_config\.json: {complaint}"):
        build_wordpiece(folder, "mpnet")


def test_a_vocabulary_of_bytes_is_refused(folder: Path) -> None:
    """The file is named."""
    (folder / "vocab.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(CheckpointError, match=r"vocab\.txt is not a readable text file"):
        build_wordpiece(folder, "mpnet")
