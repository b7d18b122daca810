"""The web example's tokenizer: the runtime's ids, for every character and for texts that break tokenizers."""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, normalizers, pre_tokenizers

from biolord_export.artifact.pieces import compile_pieces
from biolord_export.demo.models import reference_model
from biolord_onnx.tokenizer.tokenizer import Tokenizer as RuntimeTokenizer
from family.strings import five_thousand
from parity.texts import HOSTILE
from portable.environments import NODE_FOLDER, node, run
from real.exports import MINILM, MPNET
from real.web import EXAMPLE
from tiny.tokenizer import build_tokenizer
from tiny.unigram import build_unigram, charsmap

pytestmark = pytest.mark.real

UNCUT = 100_000
BLOCK = 64
SURROGATES = range(0xD800, 0xE000)
SPELLED = [
    "x<mask> y",
    "x  <mask>y [MASK]z",
    "a§b § c",
    "§§",
    "Ünit ünit UNIT",
    "unitary unit.",
    "\ttail \u3000tail  end",
    "▁a ▁<s>▁",
]


@dataclass(frozen=True, slots=True)
class Case:
    """A tokenizer, the limit of its model, and which end of a text over it is lost."""

    make: Callable[[], str]
    limit: int = UNCUT
    side: str = "right"


def reference(name: str) -> str:
    """The file of a reference model."""
    return (reference_model(name) / "tokenizer.json").read_text("utf-8")


def with_added_tokens(architecture: str) -> str:
    """A tokenizer with tokens of every manner: in words and not, with the spaces around them, in normalized text."""
    tokenizer = build_tokenizer(architecture)
    tokenizer.add_tokens(
        [
            AddedToken("§", normalized=False),
            AddedToken("Ünit", normalized=True, single_word=True),
            AddedToken("tail", normalized=True, lstrip=True, rstrip=True),
        ]
    )
    return tokenizer.to_str()


def cased() -> str:
    """BERT's without lower case, accents kept or not."""
    tokenizer = build_tokenizer("bert")
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=True, handle_chinese_chars=False)
    return tokenizer.to_str()


def first_only() -> str:
    """XLM-R's, with normalizers in a row, and the sign of a word in front of the whole text alone."""
    tokenizer = Tokenizer.from_str(build_unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.NFKC(),
            normalizers.Strip(),
            normalizers.Replace("--", "-"),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    return tokenizer.to_str()


CASES = {
    "all-mpnet-base-v2": Case(lambda: reference(MPNET), 384),
    "all-MiniLM-L6-v2": Case(lambda: reference(MINILM)),
    "added tokens": Case(lambda: with_added_tokens("mpnet"), 16, "left"),
    "a cased BERT": Case(cased),
    "ModernBERT": Case(lambda: with_added_tokens("modernbert")),
    "XLM-R": Case(lambda: build_unigram(rules=charsmap(sys.maxunicode))),
    "XLM-R with added tokens": Case(lambda: with_added_tokens("xlm-roberta"), 16),
    "XLM-R with other rules": Case(first_only),
}


def every_character() -> Iterator[str]:
    """Yield each assigned character in a word of its own, and beside its neighbors."""
    for start in range(0, sys.maxunicode + 1, BLOCK):
        characters = [chr(code) for code in range(start, start + BLOCK) if code not in SURROGATES]
        if any(unicodedata.category(character) not in {"Cn", "Co"} for character in characters):
            yield " ".join(f"a{character}b" for character in characters)
            yield "".join(characters)


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """All texts that are compared."""
    return [*five_thousand(), *HOSTILE, *SPELLED, *every_character()]


@pytest.mark.parametrize("name", CASES)
def test_ids_are_the_runtimes(tmp_path: Path, texts: list[str], name: str) -> None:
    """Whatever the text, cut or not."""
    case = CASES[name]
    values: dict[str, Any] = json.loads(case.make()) | {"padding": None, "truncation": None}
    path, pieces = tmp_path / "tokenizer.json", tmp_path / "pieces.bin"
    path.write_text(json.dumps(values), "utf-8")
    compile_pieces(pieces, path.read_text("utf-8"), ["a"])
    tokenizer = RuntimeTokenizer.load(path, pieces if pieces.exists() else None)
    expected = replace(tokenizer, keeps_end=case.side == "left").tokenize(texts, case.limit).ids
    found = ids(tmp_path, texts, case)
    assert [text for text, theirs, ours in zip(texts, expected, found, strict=True) if theirs != ours] == []


def ids(folder: Path, texts: list[str], case: Case) -> list[list[int]]:
    """Cut texts in Node."""
    manifest = {
        "files": [{"name": path.name} for path in folder.iterdir()],
        "max_length": {"value": case.limit},
        "truncation_side": case.side,
    }
    request = folder / "request.json"
    content = {"example": str(EXAMPLE), "folder": str(folder), "manifest": manifest, "texts": texts}
    request.write_text(json.dumps(content), "utf-8")
    found: list[list[int]] = json.loads(run([node(), NODE_FOLDER / "ids.mjs", request]))
    return found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"normalizer": {"type": "Nmt"}}, r"the tokenizer's normalizer is Nmt, this page knows .*: use biolord-onnx"),
        ({"pre_tokenizer": {"type": "Whitespace"}}, r"the tokenizer's pre_tokenizer is Whitespace, this page knows"),
        ({"model": {"type": "WordLevel"}}, r"the tokenizer's model is WordLevel, this page knows BPE, WordPiece"),
    ],
)
def test_a_part_that_it_lacks_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    """For other ids would give other vectors, and nobody would know."""
    values = json.loads(build_tokenizer("bert").to_str()) | changes
    (tmp_path / "tokenizer.json").write_text(json.dumps(values), "utf-8")
    with pytest.raises(RuntimeError, match=message):
        ids(tmp_path, ["a"], CASES["a cased BERT"])


def test_a_lone_surrogate_is_refused(tmp_path: Path) -> None:
    """As in the runtime."""
    (tmp_path / "tokenizer.json").write_text(build_tokenizer("bert").to_str(), "utf-8")
    with pytest.raises(RuntimeError, match="the text has a lone surrogate: decode the original bytes as UTF-8"):
        ids(tmp_path, ["caf\udce9"], CASES["a cased BERT"])
