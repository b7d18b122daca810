"""Build the fast tokenizer of a checkpoint that has only ``vocab.txt``, as BioLORD-2023-C and -S do.

It is the one that transformers 4.57 makes of the same files (``convert_slow_tokenizer.BertConverter`` and
``MPNetConverter``): ids and special tokens are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers, processors

from biolord_export.checkpoint.settings.json_files import read_json_if_there
from biolord_export.checkpoint.tokenizer.added import SETTINGS_FILE, SPECIALS_FILE
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

VOCAB_FILE = "vocab.txt"


@dataclass(frozen=True, slots=True)
class SpecialNames:
    """The special tokens that a family has where no file says otherwise, by role; ``mask`` takes the space before.

    ``pair`` is how they frame two texts, with the token types.
    """

    roles: Mapping[str, str]
    mask_takes_space: bool
    pair: str


_BERT = SpecialNames(
    {
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    },
    mask_takes_space=False,
    pair="{opening} $A {closing} $B:1 {closing}:1",
)
SPECIAL_NAMES: Mapping[str, SpecialNames] = {
    "bert": _BERT,
    "distilbert": _BERT,
    "electra": _BERT,
    "mpnet": SpecialNames(
        {
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "[UNK]",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "cls_token": "<s>",
            "mask_token": "<mask>",
        },
        mask_takes_space=True,
        pair="{opening} $A {closing} {closing} $B {closing}",
    ),
}
"""The families whose tokenizer is WordPiece over ``vocab.txt``."""


def build_wordpiece(folder: Path, model_type: str) -> str:
    """Build the tokenizer of a folder with ``vocab.txt``.

    Args:
        folder: Where it lies, and perhaps ``tokenizer_config.json`` and ``special_tokens_map.json`` beside it.
        model_type: One of `SPECIAL_NAMES`.

    Returns:
        The text of a ``tokenizer.json``.

    Raises:
        CheckpointError: A file is broken, or the vocabulary lacks a special token.
    """
    settings = read_json_if_there(folder / SETTINGS_FILE)
    specials = _read_specials(folder, model_type, settings)
    ids = _read_vocabulary(folder / VOCAB_FILE)
    missing = sorted({token.content for token in specials.values()} - ids.keys())
    if missing:
        raise CheckpointError(
            f"{folder / VOCAB_FILE} lacks the special tokens {', '.join(missing)}: the tokenizer's files don't belong "
            "together"
        )
    lower = _switch(settings, "do_lower_case", default=True, path=folder / SETTINGS_FILE)
    tokenizer = Tokenizer(models.WordPiece(ids, unk_token=specials["unk_token"].content))
    tokenizer.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=_switch(settings, "tokenize_chinese_chars", default=True, path=folder / SETTINGS_FILE),
        strip_accents=_optional_switch(settings, "strip_accents", folder / SETTINGS_FILE),
        lowercase=lower,
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    opening, closing = (specials[role].content for role in ("cls_token", "sep_token"))
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{opening} $A {closing}",
        pair=SPECIAL_NAMES[model_type].pair.format(opening=opening, closing=closing),
        special_tokens=[(opening, ids[opening]), (closing, ids[closing])],
    )
    tokenizer.add_special_tokens(_added(settings, specials, ids, folder / SETTINGS_FILE))
    return tokenizer.to_str()


def _read_vocabulary(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{path} is not a readable text file ({error}): download the checkpoint again") from error
    # A piece that stands twice has its last line's id, in transformers too.
    return {line.rstrip("\n"): number for number, line in enumerate(lines)}


def _read_specials(folder: Path, model_type: str, settings: JsonObject) -> dict[str, AddedToken]:
    """Find out what each special token is: tokenizer_config.json, special_tokens_map.json, the family's own."""
    known = SPECIAL_NAMES[model_type]
    mapped = read_json_if_there(folder / SPECIALS_FILE)
    found: dict[str, AddedToken] = {}
    for role, name in known.roles.items():
        value = settings.get(role, mapped.get(role, name))
        takes_space = role == "mask_token" and known.mask_takes_space
        found[role] = _token(value, folder / SETTINGS_FILE, lstrip=takes_space)
    return found


def _token(value: object, path: Path, *, lstrip: bool = False) -> AddedToken:
    if isinstance(value, str):
        return AddedToken(value, lstrip=lstrip, normalized=False, special=True)
    if isinstance(value, dict) and isinstance(value.get("content"), str):
        return AddedToken(
            value["content"],
            single_word=value.get("single_word") is True,
            lstrip=value.get("lstrip") is True,
            rstrip=value.get("rstrip") is True,
            normalized=value.get("normalized") is True,
            special=True,
        )
    raise CheckpointError(f"{path}: a special token is {value!r}, expected a text or an object with content")


def _added(
    settings: JsonObject, specials: Mapping[str, AddedToken], ids: Mapping[str, int], path: Path
) -> list[AddedToken]:
    """List the tokens that a text may spell out, by id: those the settings list, then the special ones."""
    listed = settings.get("added_tokens_decoder", {})
    if not isinstance(listed, dict):
        raise CheckpointError(f"{path}: added_tokens_decoder is {listed!r}, expected an object")
    tokens = {token.content: token for token in (_token(value, path) for value in listed.values())}
    for token in specials.values():
        tokens.setdefault(token.content, token)
    # Those that the vocabulary lacks come later, with what other files add.
    return sorted((token for name, token in tokens.items() if name in ids), key=lambda token: ids[token.content])


def _switch(settings: JsonObject, key: str, *, default: bool, path: Path) -> bool:
    value = settings.get(key, default)
    if not isinstance(value, bool):
        raise CheckpointError(f"{path}: {key} is {value!r}, expected true or false")
    return value


def _optional_switch(settings: JsonObject, key: str, path: Path) -> bool | None:
    return None if settings.get(key) is None else _switch(settings, key, default=False, path=path)
