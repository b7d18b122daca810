"""What a ``tokenizer.json`` may hold. Each of these panics in the library, exhausts memory, is random, or lies."""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest

from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.check import check_tokenizer
from biolord_onnx.tokenizer.library import load_library, told
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from tiny.tokenizer import build_tokenizer

VOCABULARY = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 4, "b": 5, "##a": 6, "ab": 7}
WORD_PIECE = {
    "type": "WordPiece",
    "unk_token": "[UNK]",
    "continuing_subword_prefix": "##",
    "max_input_chars_per_word": 100,
    "vocab": VOCABULARY,
}
BPE = {"type": "BPE", "unk_token": None, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
UNIGRAM = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["a", -1.5]], "byte_fallback": False}
SPECIAL = {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}
PUT_SPECIAL, PUT_TEXT = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [PUT_SPECIAL, PUT_TEXT],
    "pair": [PUT_TEXT, {"Sequence": {"id": "B", "type_id": 1}}],
    "special_tokens": {"[CLS]": SPECIAL},
}
ADDED = {
    "id": 2,
    "content": "[CLS]",
    "single_word": False,
    "lstrip": False,
    "rstrip": False,
    "normalized": False,
    "special": True,
}
BASE: dict[str, Any] = {
    "version": "1.0",
    "truncation": None,
    "padding": None,
    "added_tokens": [ADDED],
    "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": TEMPLATE,
    "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
    "model": WORD_PIECE,
}


def document(**changes: object) -> str:
    """Write a tokenizer with some members changed."""
    return json.dumps(copy.deepcopy(BASE) | changes)


def replace(pattern: dict[str, str], content: str = "x") -> dict[str, object]:
    """Describe a replacement."""
    return {"type": "Replace", "pattern": pattern, "content": content}


def charsmap(data: bytes) -> dict[str, str]:
    """Describe compiled rules."""
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


@pytest.mark.parametrize("model", [WORD_PIECE, BPE, UNIGRAM, {**BPE, "dropout": 0.0}])
def test_every_kind_of_model_loads(model: dict[str, object]) -> None:
    """Of those that exports have."""
    assert Tokenizer.from_json(document(model=model)).prefix == (2,)


@pytest.mark.parametrize("architecture", ["mpnet", "bert", "xlm-roberta"])
def test_tokenizers_of_checkpoints_pass(architecture: str) -> None:
    """Once their padding and truncation are taken out, as the exporter does."""
    tokenizer = build_tokenizer(architecture)
    tokenizer.no_padding()
    tokenizer.no_truncation()
    facts = check_tokenizer(tokenizer.to_str())
    assert facts.ids == tokenizer.get_vocab_size()
    assert load_library(tokenizer.to_str(), "t").highest_id == tokenizer.get_vocab_size() - 1


def test_an_added_token_may_have_an_id_of_its_own() -> None:
    """The library chooses it, whatever the file says."""
    text = document(added_tokens=[{**ADDED, "content": "<new>", "id": 77}])
    assert load_library(text, "t").highest_id == len(VOCABULARY)


NORMALIZERS = [
    replace({"String": "``"}, '"'),
    replace({"Regex": " {2,}"}, " "),
    replace({"Regex": r"\s+"}, "\u2581"),
    replace({"Regex": "x?"}, ""),
    {"type": "Prepend", "prepend": "\u2581"},
    {"type": "Strip", "strip_left": False, "strip_right": True},
    {
        "type": "BertNormalizer",
        "clean_text": True,
        "handle_chinese_chars": True,
        "strip_accents": None,
        "lowercase": True,
    },
]


@pytest.mark.parametrize("normalizer", NORMALIZERS)
def test_parts_of_known_tokenizers_pass(normalizer: dict[str, object]) -> None:
    """Replacements of a string, or of one character that repeats; and what BERT's, XLM-R's and others consist of."""
    tokenizer = Tokenizer.from_json(document(normalizer=normalizer, pre_tokenizer=None))
    assert tokenizer.tokenize(["a"], 9).lengths.tolist() == [2]


GROWING = [replace({"String": "a"}, "aaaaaaaa")] * 2
TRUNCATION = {"direction": "Right", "max_length": 1, "strategy": "LongestFirst", "stride": 5}
PADDING = {"strategy": {"Fixed": 2**40}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "x"}
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "a stride beyond the length": ({"truncation": TRUNCATION}, "truncation is an object, expected null"),
    "padding to a terabyte": ({"padding": PADDING}, "padding is an object, expected null"),
    "another member": ({"extra": 1}, "'extra' is no member that an export writes"),
    "another normalizer": ({"normalizer": {"type": "Oracle"}}, "normalizer: type is 'Oracle', expected one of Bert"),
    "a normalizer without a type": ({"normalizer": {}}, "normalizer: type is null, expected one of"),
    "a normalizer that is none": ({"normalizer": 3}, "normalizer is 3, expected an object"),
    "an empty sequence": ({"normalizer": {"type": "Sequence", "normalizers": []}}, "Sequence has a list"),
    "sequences without end": (
        {"normalizer": {"type": "Sequence", "normalizers": [{"type": "NFC"}] * 65}},
        "normalizer has more than 64 parts",
    ),
    "an option that nobody knows": ({"normalizer": {"type": "NFC", "x": 1}}, "NFC: 'x' is no member"),
    "a bomb": (
        {"normalizer": {"type": "Sequence", "normalizers": GROWING}},
        "makes 64 characters of one, expected",
    ),
    "a long replacement": ({"normalizer": replace({"String": "a"}, "x" * 9)}, "content is 'xxxxxxxxx'"),
    "a long prefix": ({"normalizer": {"type": "Prepend", "prepend": "x" * 9}}, "prepend is 'xxxxxxxxx'"),
    "an expression that backtracks": ({"normalizer": replace({"Regex": "(a+)+$"})}, "pattern is an object"),
    "an expression of several runs": ({"normalizer": replace({"Regex": "a*a*a*b"})}, "pattern is an object"),
    "nothing to replace": ({"normalizer": replace({"String": ""})}, "pattern is an object"),
    "a pattern that is none": ({"normalizer": {"type": "Replace", "pattern": "a", "content": ""}}, "pattern is 'a'"),
    "no rules at all": ({"normalizer": {"type": "Precompiled"}}, "the key precompiled_charsmap is missing"),
    "another name inside": (
        {"post_processor": TEMPLATE | {"special_tokens": {"[CLS]": SPECIAL | {"id": "x"}}}},
        "the special token '[CLS]' has no ids, or no tokens to them",
    ),
    "more than a special token has": (
        {"post_processor": TEMPLATE | {"special_tokens": {"[CLS]": SPECIAL | {"more": 1}}}},
        "the special token '[CLS]' has no ids, or no tokens to them",
    ),
    "two patterns": ({"normalizer": replace({"String": "a", "Regex": "b"})}, "pattern is an object"),
    "no rules": ({"normalizer": charsmap(b"")}, "precompiled_charsmap is ''"),
    "rules that are none": ({"normalizer": charsmap(b"\0\0\0")}, "precompiled_charsmap is 'AAAA'"),
    "rules of gigabytes": ({"normalizer": charsmap(b"\xff\xff\xff\x7f" + bytes(8))}, "precompiled_charsmap is"),
    "chunks of nothing": ({"pre_tokenizer": {"type": "FixedLength", "length": 0}}, "type is 'FixedLength'"),
    "two characters for one": (
        {"pre_tokenizer": {"type": "Metaspace", "replacement": "ab"}},
        "replacement is 'ab'",
    ),
    "a special token without ids": ({"post_processor": TEMPLATE | {"special_tokens": {}}}, "is no text and no special"),
    "fewer ids than tokens": (
        {"post_processor": TEMPLATE | {"special_tokens": {"[CLS]": SPECIAL | {"ids": []}}}},
        "the special token '[CLS]' has no ids, or no tokens to them",
    ),
    "an id that is none": (
        {"post_processor": TEMPLATE | {"special_tokens": {"[CLS]": SPECIAL | {"ids": [-1]}}}},
        "the special token '[CLS]' has no ids, or no tokens to them",
    ),
    "a second text": ({"post_processor": TEMPLATE | {"single": TEMPLATE["pair"]}}, "is no text and no special token"),
    "a frame that is none": ({"post_processor": TEMPLATE | {"single": 3}}, "single is 3"),
    "an endless frame": ({"post_processor": TEMPLATE | {"single": [PUT_TEXT] * 65}}, "single is a list, expected"),
    "a separator beyond all ids": (
        {"post_processor": {"type": "BertProcessing", "sep": ["x", 2**31], "cls": ["y", 0]}},
        "sep is a list",
    ),
    "a decoder's expression": ({"decoder": replace({"Regex": "(("})}, "decoder Replace: pattern is an object"),
    "a model that is none": ({"model": None}, "model is null, expected an object"),
    "another model": ({"model": {"type": "Oracle"}}, "model: type is 'Oracle', expected one of WordPiece, BPE"),
    "no vocabulary": ({"model": {"type": "WordPiece", "unk_token": "a"}}, "model WordPiece has no vocabulary"),
    "an unknown unknown token": ({"model": WORD_PIECE | {"unk_token": "nope"}}, "unk_token is 'nope', which the voc"),
    "BPE's unknown token": ({"model": BPE | {"unk_token": "zz"}}, "unk_token is 'zz', which the vocabulary lacks"),
    "words without end": ({"model": WORD_PIECE | {"max_input_chars_per_word": 10**9}}, "per_word is 1000000000"),
    "a long continuation": ({"model": WORD_PIECE | {"continuing_subword_prefix": "#" * 9}}, "is '#########'"),
    "an id that stands twice": ({"model": WORD_PIECE | {"vocab": {**VOCABULARY, "q": 1}}}, "vocab is an object"),
    "an id beyond 31 bits": ({"model": WORD_PIECE | {"vocab": {**VOCABULARY, "q": 2**32 - 1}}}, "vocab is an object"),
    "an id that is true": ({"model": WORD_PIECE | {"vocab": {"[UNK]": True}}}, "vocab is an object"),
    "a token of megabytes": ({"model": WORD_PIECE | {"vocab": {"[UNK]": 0, "x" * 10**6: 1}}}, "vocab is an object"),
    "a vocabulary of another kind": ({"model": WORD_PIECE | {"vocab": [["a", 0]]}}, "vocab is a list"),
    "dropout": ({"model": BPE | {"dropout": 0.5}}, "model BPE: dropout is 0.5"),
    "a prefix longer than its token": (
        {"model": BPE | {"continuing_subword_prefix": "##long"}},
        "'##long'",
    ),
    "sampling": ({"model": UNIGRAM | {"alpha": 0.1, "nbest_size": 5}}, "'alpha' is no member that an export writes"),
    "an unknown piece beyond the pieces": ({"model": UNIGRAM | {"unk_id": 2}}, "unk_id is 2, the vocabulary has 2"),
    "no pieces": ({"model": UNIGRAM | {"vocab": []}}, "vocab is a list"),
    "an empty piece": ({"model": UNIGRAM | {"vocab": [["", 0.0]]}}, "vocab is a list"),
    "a piece without a score": ({"model": UNIGRAM | {"vocab": [["a"]]}}, "vocab is a list"),
    "a score beyond all": ({"model": UNIGRAM | {"vocab": [["a", -1e308]]}}, "vocab is a list"),
    "tokens that are none": ({"added_tokens": 3}, "added_tokens is 3, expected a list"),
    "an empty token": ({"added_tokens": [ADDED | {"content": ""}]}, "added_tokens: content is ''"),
    "half a token": ({"added_tokens": [{"id": 2, "content": "x"}]}, "expected id, content, single_word"),
    "a token that normalizes to nothing": (
        {
            "normalizer": {"type": "Strip", "strip_left": True, "strip_right": True},
            "added_tokens": [ADDED | {"content": " ", "normalized": True}],
        },
        "its token ' ' is nothing once it is normalized",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_file_is_refused(name: str) -> None:
    """In one line, and before the library sees it."""
    changes, message = REFUSED[name]
    with pytest.raises(ArtifactError) as raised:
        Tokenizer.from_json(document(**changes), "tokenizer.json")
    assert str(raised.value).startswith("tokenizer.json is not a tokenizer that this tokenizers ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1]", "it holds a list, expected an object"),
        ('{"model": NaN}', "NaN is not a JSON number"),
        (document()[:-1] + ', "model": {}}', "the key 'model' stands 2 times in one object"),
        (document(normalizer="X").replace('"X"', "[" * 100_000), "recursion"),
    ],
)
def test_what_readers_differ_in_is_refused(text: str, message: str) -> None:
    """The library might take the other of two members."""
    with pytest.raises(ArtifactError, match=message):
        Tokenizer.from_json(text)


class PanicException(BaseException):
    """What the library raises where its code panics: no Exception."""


@pytest.mark.parametrize("error", [PanicException("index out\nof bounds"), ValueError("index out\nof bounds")])
def test_a_panic_is_told_in_a_line(error: BaseException) -> None:
    """Of files that nobody thought of."""
    with pytest.raises(ArtifactError, match=r"^no tokenizer: index out of bounds$"), told("no tokenizer"):
        raise error


def test_an_interruption_is_no_panic() -> None:
    """Ctrl-C while the library works stays what it is."""
    with pytest.raises(KeyboardInterrupt), told("no tokenizer"):
        raise KeyboardInterrupt


def test_the_librarys_own_refusals_are_told() -> None:
    """What it finds wrong in a file that has the right parts."""
    with pytest.raises(ArtifactError, match=r"is not a tokenizer that this tokenizers .* reads: .*vocabulary"):
        Tokenizer.from_json(document(model=BPE | {"merges": ["a q"]}))


def test_a_long_reason_is_cut() -> None:
    """Some of its messages repeat a token."""
    with pytest.raises(ArtifactError, match=r"^no tokenizer: 'xxx.*xxx\.\.\.$") as raised, told("no tokenizer"):
        raise ValueError("x" * 10_000)
    assert len(str(raised.value)) < 100
