"""Tokens that are found in a text before it is cut into words: transformers takes some of them from companion files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer

from biolord_export.checkpoint.settings.json_files import read_json_if_there
from biolord_export.checkpoint.settings.known_keys import shown
from biolord_export.errors import CheckpointError
from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.library import told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

SETTINGS_FILE = "tokenizer_config.json"
SPECIALS_FILE = "special_tokens_map.json"
ADDED_FILE = "added_tokens.json"
DECODER = "added_tokens_decoder"
ROLES = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")
FLAGS = ("single_word", "lstrip", "rstrip", "normalized")


def add_tokens(values: JsonObject, settings: JsonObject, folder: Path) -> JsonObject:
    """Let the companions of a ``tokenizer.json`` add tokens, and say how those are matched that are there.

    Those without an id in the vocabulary get the next ones, as in transformers.

    Args:
        values: What the file holds.
        settings: What tokenizer_config.json holds.
        folder: Where the other companions lie.

    Raises:
        CheckpointError: A companion is broken.
    """
    listed = values.get("added_tokens")
    if not isinstance(listed, list) or not all(isinstance(token, dict) for token in listed):
        return values  # no tokenizer, which loading it will say
    decoder = _decoder(settings, folder / SETTINGS_FILE)
    flags = {token.content: _flags(token) for token in decoder}
    known = {str(token.get("content")) for token in listed}
    changed = [{**token, **flags.get(str(token.get("content")), {})} for token in listed]
    wanted = [*decoder, *_spelled_out(settings, folder), *_special(settings, folder)]
    missing = {token.content: token for token in reversed(wanted) if token.content not in known | {""}}
    return _add({**values, "added_tokens": changed}, list(reversed(missing.values())))


def _add(values: JsonObject, missing: list[AddedToken]) -> JsonObject:
    if not missing:
        return values
    try:
        with told("not a tokenizer"):
            tokenizer = Tokenizer.from_str(json.dumps(values))
    except ArtifactError:
        return values  # whoever loads it will say what is wrong
    for token in missing:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    added: JsonObject = json.loads(tokenizer.to_str())
    return added


def _flags(token: AddedToken) -> JsonObject:
    return {name: getattr(token, name) for name in FLAGS}


def _decoder(settings: JsonObject, path: Path) -> list[AddedToken]:
    """Return the tokens of ``added_tokens_decoder`` by their ids."""
    listed = settings.get(DECODER, {})
    if not isinstance(listed, dict) or not all(number.isascii() and number.isdecimal() for number in listed):
        raise CheckpointError(f"{path}: {DECODER} holds {shown(listed)}, expected objects with content, by id")
    ordered = sorted(listed.items(), key=lambda item: int(item[0]))
    return [_token(token, path, DECODER) for _, token in ordered]


def _token(value: object, path: Path, key: str, *, special: bool = False) -> AddedToken:
    if not isinstance(value, dict) or not isinstance(value.get("content"), str):
        raise CheckpointError(f"{path}: {key} holds {shown(value)}, expected objects with content")
    special = special or value.get("special") is True
    flags = {name: value[name] is True for name in FLAGS if name in value}
    return AddedToken(value["content"], special=special, **{"normalized": not special, **flags})


def _spelled_out(settings: JsonObject, folder: Path) -> list[AddedToken]:
    """Return the tokens of ``added_tokens.json`` by their ids; not read where the settings have a list of their own."""
    path = folder / ADDED_FILE
    ids = {} if DECODER in settings else read_json_if_there(path)
    if any(isinstance(number, bool) or not isinstance(number, int) for number in ids.values()):
        raise CheckpointError(f"{path} holds {shown(ids)}, expected ids by token")
    named = {token.content for token in _special(settings, folder)}
    ordered = sorted(ids, key=lambda name: int(str(ids[name])))
    return [AddedToken(name, normalized=name not in named, special=name in named) for name in ordered]


def _special(settings: JsonObject, folder: Path) -> Iterator[AddedToken]:
    """Go through all tokens that the companions name, whatever their role."""
    roles = dict(settings)
    if DECODER not in settings:  # or else transformers reads this file no more
        roles |= read_json_if_there(folder / SPECIALS_FILE)
    listed = roles.get("additional_special_tokens")
    extra = roles.get("extra_special_tokens")
    others = [*(listed if isinstance(listed, list) else []), *(extra.values() if isinstance(extra, dict) else [])]
    for value in [*(roles.get(role) for role in ROLES), *others]:
        if isinstance(value, str):
            yield AddedToken(value, normalized=False, special=True)
        elif value is not None:
            yield _token(value, folder / SETTINGS_FILE, "a special token", special=True)
