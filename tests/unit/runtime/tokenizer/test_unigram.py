"""Words cut into pieces by a mapped vocabulary, against the library. That real ones agree stands in tests/family."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.tokenizer.pieces import read_pieces
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from biolord_onnx.tokenizer.unigram import UnigramEncoder
from parity.texts import HOSTILE, names, passages
from tiny.unigram import build_unigram
from unit.runtime.pieces_file import unigram_json, write_table

UNCUT = 100_000
PARTS = st.sampled_from(
    ["a", "an", "▁", " ", "\u3000", "e\u0301", "½", "ﬁ", "病", "🤒", "\0", "<mask>", "</s>", "tion", "x"]
)
TEXTS = st.text(max_size=30) | st.lists(PARTS, max_size=12).map("".join)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the tiny XLM-R's tokenizer and its table."""
    return write_table(tmp_path_factory.mktemp("unigram"))


@pytest.fixture(scope="module")
def lean(table: Path) -> Tokenizer:
    """Load the table."""
    return Tokenizer.load(table.with_name("tokenizer.json"), table)


@pytest.fixture(scope="module")
def whole(table: Path) -> Tokenizer:
    """Load the library's tokenizer."""
    return Tokenizer.load(table.with_name("tokenizer.json"))


def test_ids_are_the_librarys(lean: Tokenizer, whole: Tokenizer) -> None:
    """For names, notes and strings that break tokenizers; cut or not, in windows, counted."""
    texts = [*names(100), *passages(3), *HOSTILE, "", " ", "x" * 300, "病" * 300]
    assert lean.tokenize(texts, UNCUT).ids == whole.tokenize(texts, UNCUT).ids
    assert lean.tokenize(texts, 16).ids == whole.tokenize(texts, 16).ids
    assert lean.windows(texts, 16) == whole.windows(texts, 16)
    assert lean.count(texts).tolist() == whole.count(texts).tolist()
    assert (lean.prefix, lean.suffix, lean.vocabulary) == (whole.prefix, whole.suffix, whole.vocabulary)


@given(TEXTS)
def test_any_text_has_the_librarys_ids(lean: Tokenizer, whole: Tokenizer, text: str) -> None:
    """Pieces, unknown characters, spaces of all kinds and special tokens in any mixture."""
    assert lean.tokenize([text], UNCUT).ids == whole.tokenize([text], UNCUT).ids


def test_the_library_is_loaded_for_special_tokens_alone(table: Path) -> None:
    """A text that spells one out needs it; it is loaded once, however many threads ask."""
    loaded: list[tokenizers.Tokenizer] = []

    def load() -> tokenizers.Tokenizer:
        loaded.append(tokenizers.Tokenizer.from_file(str(table.with_name("tokenizer.json"))))
        return loaded[-1]

    encoder = UnigramEncoder(read_pieces(table), load)
    encoder.encode_batch_fast(["fever", "<masc>", "a < s > b"], add_special_tokens=False)
    assert not loaded
    with ThreadPoolExecutor(4) as pool:
        found = list(
            pool.map(lambda text: encoder.encode_batch_fast([text], add_special_tokens=False)[0].ids, ["a<mask>b"] * 8)
        )
    assert len(loaded) == 1
    assert found == [loaded[0].encode("a<mask>b", add_special_tokens=False).ids] * 8


def test_the_librarys_tokenizer_is_there_for_those_who_want_it(lean: Tokenizer, whole: Tokenizer) -> None:
    """What needs more than ids, such as offsets, asks for it by name."""
    assert lean.tokenizer.encode("fever").tokens == whole.tokenizer.encode("fever").tokens


@pytest.mark.parametrize("pre_tokenizer", [None, {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}])
@pytest.mark.parametrize("normalizer", [None, {"type": "Lowercase"}])
def test_other_frames(tmp_path: Path, normalizer: object, pre_tokenizer: object) -> None:
    """A tokenizer without one or the other; a text may be one word then."""
    table = write_table(tmp_path, unigram_json(normalizer=normalizer, pre_tokenizer=pre_tokenizer))
    path = tmp_path / "tokenizer.json"
    texts = ["Acute FEVER  of unknown origin", "", " x ", "病院 a", "x" * 50]
    assert Tokenizer.load(path, table).tokenize(texts, UNCUT).ids == Tokenizer.load(path).tokenize(texts, UNCUT).ids


def test_neighboring_unknown_characters_are_one_token(tmp_path: Path) -> None:
    """Inside a word; a word of its own has a token of its own."""
    values = json.loads(build_unigram())
    values["model"]["vocab"] = [["<s>", 0.0], ["<unk>", 0.0], ["▁", -1.0], ["a", -2.0], ["▁a", -2.5], ["aa", -2.5]]
    values["model"]["unk_id"], values["added_tokens"] = 1, []
    values["post_processor"]["special_tokens"]["</s>"]["ids"] = [0]
    table = write_table(tmp_path, json.dumps(values))
    lean = Tokenizer.load(tmp_path / "tokenizer.json", table)
    assert lean.tokenize(["xyaaaz zz"], UNCUT).ids == [[0, 2, 1, 3, 5, 1, 2, 1, 0]]
    assert lean.tokenizer.encode("xyaaaz zz", add_special_tokens=False).ids == [2, 1, 3, 5, 1, 2, 1]
