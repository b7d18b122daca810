"""Token ids of five thousand strings: the artifact's tokenizer, both releases of tokenizers, and transformers."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from biolord_export.artifact.pieces import compile_pieces
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.modules import read_modules
from biolord_export.checkpoint.tokenizer.file import prepare_tokenizer
from biolord_export.checkpoint.tokenizer.sentencepiece import build_unigram as build_from_model
from biolord_export.demo.models import reference_model
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from family.asking import Question, token_ids_there
from family.layouts import LAYOUTS, write_layout
from family.strings import COUNT, five_thousand
from tiny.charsmap import compatibility_rules, compile_rules
from tiny.sentencepiece import write_model
from tiny.unigram import build_unigram

pytestmark = pytest.mark.real

UNCUT = 1_000_000
REAL = "all-mpnet-base-v2 from vocab.txt"
CONVERTED = "XLM-R from sentencepiece.bpe.model"
RULES = "XLM-R with every compatibility rule"
UNIGRAMS = ("BioLORD-2023-M", CONVERTED, RULES)
CASES = (*LAYOUTS, REAL, CONVERTED, RULES)
Ids = list[list[int]]


@dataclass(frozen=True)
class Answers:
    """What each side makes of the strings, by case."""

    texts: list[str]
    prepared: dict[str, str]
    there: dict[str, Ids]
    version: str


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    """Ask the oracle's environment once for all."""
    place = tmp_path_factory.mktemp("ids")
    folders = {name: write_layout(place / name, layout) for name, layout in LAYOUTS.items()}
    folders[REAL] = _real_without_fast_file(place / "real")
    prepared = {
        name: prepare_tokenizer(read_modules(folder), read_encoder_config(folder)).json
        for name, folder in folders.items()
    }
    rules = compile_rules(compatibility_rules())
    model = write_model(place / "sentencepiece.bpe.model", rules=rules)
    prepared |= {CONVERTED: build_from_model(model), RULES: build_unigram(rules=rules)}
    files = {f"file {name}": text for name, text in prepared.items()}
    paths = {f"transformers {name}": str(folder) for name, folder in folders.items()}
    texts = five_thousand()
    version, there = token_ids_there(Question(texts, files, paths, {f"transformers {CONVERTED}": str(model)}), place)
    return Answers(texts, prepared, there, version)


def _real_without_fast_file(folder: Path) -> Path:
    """Lay the tokenizer of the family's base model out as BioLORD-2023-C has it: 30,527 real pieces in vocab.txt."""
    folder.mkdir()
    for name in ("config.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt"):
        shutil.copyfile(reference_model("all-mpnet-base-v2") / name, folder / name)
    return folder


@pytest.mark.parametrize("name", CASES)
def test_ids_are_equal_everywhere(answers: Answers, name: str) -> None:
    """None of the strings has another id anywhere, whoever tokenizes it."""
    here = Tokenizer.from_json(answers.prepared[name]).tokenize(answers.texts, UNCUT).ids
    assert len(here) == COUNT
    for side in (f"file {name}", f"transformers {name}"):
        if side in answers.there:
            wrong = [
                text
                for text, ours, theirs in zip(answers.texts, here, answers.there[side], strict=True)
                if ours != theirs
            ]
            assert wrong == [], f"{side}, tokenizers {answers.version} there"


@pytest.mark.parametrize("name", UNIGRAMS)
def test_mapped_vocabularies_give_the_same_ids(answers: Answers, name: str, tmp_path: Path) -> None:
    """The table that the runtime maps instead of loading the vocabulary cuts every string as tokenizers does."""
    assert compile_pieces(tmp_path / "pieces.bin", answers.prepared[name], answers.texts)


def test_the_releases_are_different_ones(answers: Answers) -> None:
    """Or the comparison would be with itself."""
    import tokenizers

    assert answers.version != tokenizers.__version__


def test_the_strings_are_hard(answers: Answers) -> None:
    """Unknown characters and special tokens are in thousands of them, and they are long and short."""
    ids = answers.there[f"file {RULES}"]
    assert sum(3 in one for one in ids) > 1000
    assert sum(any(special in one[1:-1] for special in (0, 1, 2)) for one in ids) > 200
    assert max(map(len, ids)) > 100
