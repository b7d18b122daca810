"""What a ``tokenizer.json`` may hold; looked at before the tokenizers library sees it.

The library panics on some files, runs out of memory on others, and takes what is random or takes hours: so a file
consists of the parts in `tokenizer.parts`, and of a model whose tokens are there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite

from biolord_onnx.artifact.json_fields import JSON, JSONObject, describe, refuse_constant, unique_members
from biolord_onnx.tokenizer.parts import (
    DECODERS,
    NORMALIZERS,
    POST_PROCESSORS,
    PRE_TOKENIZERS,
    REQUIRED,
    Check,
    Part,
    is_flag,
    is_id,
    is_short,
    is_text,
)


class TokenizerFileError(ValueError):
    """A ``tokenizer.json`` holds what an artifact's may not."""


MOST_PARTS = 64
LARGEST_GROWTH = 8
"""How many characters replacements may make of one."""
LONGEST_TOKEN = 512
LONGEST_PIECE = 64
"""Characters of a piece: each place of a text is looked up with so many endings. sentencepiece's own limit is 16."""
LONGEST_WORD = 256
"""Characters of a word that WordPiece cuts: it takes time with their square."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a part of a tokenizer is for.

    Attributes:
        key: Its name in the file.
        known: The parts that can fill it.
        list_key: Name of the list in a part that stands for several.
    """

    key: str
    known: Mapping[str, Part]
    list_key: str


ROLES = (
    Role("normalizer", NORMALIZERS, "normalizers"),
    Role("pre_tokenizer", PRE_TOKENIZERS, "pretokenizers"),
    Role("post_processor", POST_PROCESSORS, "processors"),
    Role("decoder", DECODERS, "decoders"),
)
_MEMBERS = frozenset({"version", "truncation", "padding", "added_tokens", "model", *(role.key for role in ROLES)})


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is found before a text is cut into words, there or in the text once it is normalized."""

    content: str
    normalized: bool


@dataclass(frozen=True, slots=True)
class TokenizerFacts:
    """What is known of a checked tokenizer.

    Attributes:
        ids: All ids of the model are below.
        added: Tokens that are found before a text is cut into words.
    """

    ids: int
    added: tuple[AddedToken, ...]


def check_tokenizer(text: str) -> TokenizerFacts:
    """Check the text of a ``tokenizer.json``.

    Raises:
        ValueError: It isn't one that the library reads, or holds what an artifact's has no use for.
    """
    values = json.loads(text, object_pairs_hook=unique_members, parse_constant=refuse_constant)
    if not isinstance(values, dict):
        raise TokenizerFileError(f"it holds {describe(values)}, expected an object")
    unknown = values.keys() - _MEMBERS
    if unknown:
        raise TokenizerFileError(f"{describe(min(unknown))} is no member that an export writes")
    for key in ("truncation", "padding"):
        if values.get(key) is not None:
            raise TokenizerFileError(f"{key} is {describe(values[key])}, expected null: the manifest has the limit")
    for role in ROLES:
        _check_parts(role, values.get(role.key))
    added = _added_tokens(values.get("added_tokens", []))
    ids = _check_model(_object("model", values.get("model")))
    return TokenizerFacts(ids, added)


def _check_parts(role: Role, value: JSON) -> None:
    growth = 1
    for count, part in enumerate(_parts(role, value)):
        if count == MOST_PARTS:
            raise TokenizerFileError(f"{role.key} has more than {MOST_PARTS} parts")
        kind = part.get("type")
        known = role.known.get(kind) if isinstance(kind, str) else None
        if known is None:
            raise TokenizerFileError(f"{role.key}: type is {describe(kind)}, expected one of {', '.join(role.known)}")
        _check_members(f"{role.key} {kind}", part, known)
        growth *= max(1, len(str(part.get("content") or part.get("prepend") or "")))
        if kind == "TemplateProcessing":
            _check_template(part)
    if growth > LARGEST_GROWTH:
        raise TokenizerFileError(f"{role.key} makes {growth} characters of one, expected {LARGEST_GROWTH} at most")


def _parts(role: Role, value: JSON) -> Iterator[JSONObject]:
    """Yield a part, or those in it where it stands for several."""
    waiting: list[JSON] = [] if value is None else [value]
    while waiting:
        part = _object(role.key, waiting.pop())
        if part.get("type") != "Sequence":
            yield part
            continue
        inner = part.get(role.list_key)
        if part.keys() != {"type", role.list_key} or not isinstance(inner, list) or not inner:
            raise TokenizerFileError(
                f"{role.key} Sequence has {describe(sorted(part))}, expected a list {role.list_key}"
            )
        waiting.extend(inner)


def _check_members(place: str, part: JSONObject, known: Mapping[str, Check]) -> None:
    missing = REQUIRED.intersection(known) - part.keys()
    if missing:
        raise TokenizerFileError(f"{place}: the key {min(missing)} is missing")
    for key, value in part.items():
        if key == "type":
            continue
        check = known.get(key)
        if check is None:
            raise TokenizerFileError(f"{place}: {describe(key)} is no member that an export writes")
        if not check(value):
            raise TokenizerFileError(f"{place}: {key} is {describe(value)}, which no export writes")


def _check_template(part: JSONObject) -> None:
    specials = _object("special_tokens", part.get("special_tokens"))
    for key in ("single", "pair"):
        pieces = part.get(key)
        if not isinstance(pieces, list) or len(pieces) > MOST_PARTS:
            raise TokenizerFileError(f"TemplateProcessing: {key} is {describe(pieces)}, expected a list")
        for piece in pieces:
            _check_template_piece(piece, specials, ("A", "B") if key == "pair" else ("A",))
    for name, special in specials.items():
        match special:
            case {"id": str(identity), "ids": list(ids), "tokens": list(tokens), **others} if not others:
                if identity == name and len(ids) == len(tokens) > 0 and all(map(is_id, ids)):
                    continue
        raise TokenizerFileError(
            f"TemplateProcessing: the special token {describe(name)} has no ids, or no tokens to them"
        )


def _check_template_piece(piece: JSON, specials: JSONObject, sequences: tuple[str, ...]) -> None:
    match piece:
        case {"SpecialToken": {"id": str(name), "type_id": int()}, **others} if not others and name in specials:
            return
        case {"Sequence": {"id": str(name), "type_id": int()}, **others} if not others and name in sequences:
            return
    raise TokenizerFileError(f"TemplateProcessing: {describe(json.dumps(piece))} is no text and no special token of it")


_ADDED: Mapping[str, Check] = {
    "id": is_id,
    "content": lambda value: is_text(value) and len(str(value)) <= LONGEST_TOKEN,
    **dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized", "special"), is_flag),
}


def _added_tokens(value: JSON) -> tuple[AddedToken, ...]:
    if not isinstance(value, list):
        raise TokenizerFileError(f"added_tokens is {describe(value)}, expected a list")
    return tuple(_added_token(_object("added_tokens", token)) for token in value)


def _added_token(members: JSONObject) -> AddedToken:
    _check_members("added_tokens", members, _ADDED)
    match members:
        case {"content": str(content), "normalized": bool(normalized)} if members.keys() == _ADDED.keys():
            return AddedToken(content, normalized)
    raise TokenizerFileError(f"added_tokens has {describe(str(sorted(members)))}, expected {', '.join(_ADDED)}")


def _check_model(model: JSONObject) -> int:
    """Check a model; return a number that all its ids are below."""
    kind = model.get("type")
    if not isinstance(kind, str) or kind not in MODELS:
        raise TokenizerFileError(f"model: type is {describe(kind)}, expected one of {', '.join(MODELS)}")
    _check_members(f"model {kind}", model, MODELS[kind])
    unknown, number = model.get("unk_token"), model.get("unk_id")
    match model.get("vocab"):
        case dict(vocabulary):
            if unknown not in vocabulary and (unknown is not None or kind != "BPE"):
                raise TokenizerFileError(f"model {kind}: unk_token is {describe(unknown)}, which the vocabulary lacks")
            return max((value for value in vocabulary.values() if isinstance(value, int)), default=-1) + 1
        case list(pieces):
            if isinstance(number, int) and number >= len(pieces):
                raise TokenizerFileError(f"model {kind}: unk_id is {number}, the vocabulary has {len(pieces)} pieces")
            return len(pieces)
        case _:
            raise TokenizerFileError(f"model {kind} has no vocabulary")


def _is_vocabulary(value: JSON) -> bool:
    """Whether a value holds tokens with ids, each id once."""
    if not isinstance(value, dict):
        return False
    ids = {number for number in value.values() if type(number) is int}
    return len(ids) == len(value) and is_id(min(ids, default=0)) and is_id(max(ids, default=0)) and not _too_long(value)


def _is_list_of_pieces(value: JSON) -> bool:
    """Whether a value holds pieces with their scores."""
    if not isinstance(value, list) or not value:
        return False
    return all(isinstance(entry, list) and len(entry) == 2 and _is_piece(*entry) for entry in value)


def _is_piece(piece: JSON, score: JSON) -> bool:
    if not isinstance(piece, str) or not piece or len(piece) > LONGEST_PIECE:
        return False
    return isinstance(score, int | float) and not isinstance(score, bool) and isfinite(score) and abs(score) < 1e6


def _too_long(tokens: Mapping[str, JSON]) -> bool:
    return max(map(len, tokens), default=0) > LONGEST_TOKEN


def _is_no_chance(value: JSON) -> bool:
    return value is None or value == 0


def _is_text_or_null(value: JSON) -> bool:
    return value is None or is_text(value)


MODELS: Mapping[str, Part] = {
    "WordPiece": {
        "unk_token": is_text,
        "continuing_subword_prefix": is_short,
        "max_input_chars_per_word": lambda value: is_id(value) and 0 < int(str(value)) <= LONGEST_WORD,
        "vocab": _is_vocabulary,
    },
    "BPE": {
        "dropout": _is_no_chance,
        "unk_token": _is_text_or_null,
        # With one, merges shorter than it make the library panic.
        "continuing_subword_prefix": lambda value: value in {None, ""},
        "end_of_word_suffix": lambda value: value is None or is_short(value),
        "fuse_unk": is_flag,
        "byte_fallback": is_flag,
        "ignore_merges": is_flag,
        "vocab": _is_vocabulary,
        "merges": lambda value: isinstance(value, list),
    },
    "Unigram": {
        "unk_id": lambda value: value is None or is_id(value),
        "byte_fallback": is_flag,
        "vocab": _is_list_of_pieces,
    },
    "WordLevel": {"unk_token": is_text, "vocab": _is_vocabulary},
}


def _object(place: str, value: JSON) -> JSONObject:
    if not isinstance(value, dict):
        raise TokenizerFileError(f"{place} is {describe(value)}, expected an object")
    return value
