"""The parts that a ``tokenizer.json`` may be made of, with what their members may hold: one row each.

Left out is what is random (BPE's dropout), what panics in the library (a `FixedLength` of 0), what reads text in more
than linear time (expressions with groups), and what makes long texts of short ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from biolord_onnx.artifact.json_fields import JSON
from biolord_onnx.tokenizer.charsmap import is_charsmap

Check = Callable[[JSON], bool]
Part = Mapping[str, Check]

LONGEST_REPLACEMENT = 8
"""Characters that may stand in for others, or in front of a text."""
# An atom and what repeats it: matched in linear time, whatever the text.
_EXPRESSION = re.compile(r"([^\\\[\](){}*+?.^$|]|\\[snrtdwpSDW])([+*?]|\{[0-9]{1,2}(,[0-9]{0,2})?\})?")
_BEHAVIORS = ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
_SCHEMES = ("first", "never", "always")


def is_flag(value: JSON) -> bool:
    """Whether a value is true or false."""
    return isinstance(value, bool)


def is_id(value: JSON) -> bool:
    """Whether a value is a token id."""
    return type(value) is int and 0 <= value < 2**31


def is_text(value: JSON) -> bool:
    """Whether a value is a string that isn't empty."""
    return isinstance(value, str) and bool(value)


def is_short(value: JSON) -> bool:
    """Whether a value is a string of a few characters, or none."""
    return isinstance(value, str) and len(value) <= LONGEST_REPLACEMENT


def is_list(value: JSON) -> bool:
    """Whether a value is a list."""
    return isinstance(value, list)


def is_object(value: JSON) -> bool:
    """Whether a value is an object."""
    return isinstance(value, dict)


def is_pattern(value: JSON) -> bool:
    """Whether a value is ``{"String": ...}``, or ``{"Regex": ...}`` with an expression that takes linear time."""
    match value:
        case {"String": str(text), **others}:
            return bool(text) and not others
        case {"Regex": str(text), **others}:
            return _EXPRESSION.fullmatch(text) is not None and not others
        case _:
            return False


def _is_character(value: JSON) -> bool:
    return isinstance(value, str) and len(value) == 1


def _is_token(value: JSON) -> bool:
    """Whether a value is a token with its id."""
    return isinstance(value, list) and len(value) == 2 and is_text(value[0]) and is_id(value[1])


def _is_flag_or_null(value: JSON) -> bool:
    return value is None or is_flag(value)


def one_of(*names: str) -> Check:
    """Make the check for one of some strings."""
    return lambda value: value in names


REQUIRED = frozenset({"precompiled_charsmap"})
"""Members without which the library panics; it refuses a part that lacks others."""
_BYTE_LEVEL: Part = {"add_prefix_space": is_flag, "trim_offsets": is_flag, "use_regex": is_flag}
_METASPACE: Part = {
    "replacement": _is_character,
    "add_prefix_space": is_flag,
    "prepend_scheme": one_of(*_SCHEMES),
    "split": is_flag,
    "str_rep": _is_character,
}
_FRAME: Part = {"sep": _is_token, "cls": _is_token}

NORMALIZERS: Mapping[str, Part] = {
    "BertNormalizer": {
        "clean_text": is_flag,
        "handle_chinese_chars": is_flag,
        "strip_accents": _is_flag_or_null,
        "lowercase": is_flag,
    },
    "ByteLevel": {},
    "Lowercase": {},
    "NFC": {},
    "NFD": {},
    "NFKC": {},
    "NFKD": {},
    "Nmt": {},
    "Precompiled": {"precompiled_charsmap": is_charsmap},
    "Prepend": {"prepend": is_short},
    "Replace": {"pattern": is_pattern, "content": is_short},
    "Strip": {"strip_left": is_flag, "strip_right": is_flag},
    "StripAccents": {},
}
PRE_TOKENIZERS: Mapping[str, Part] = {
    "BertPreTokenizer": {},
    "ByteLevel": _BYTE_LEVEL,
    "Digits": {"individual_digits": is_flag},
    "Metaspace": _METASPACE,
    "Punctuation": {"behavior": one_of(*_BEHAVIORS)},
    "Split": {"pattern": is_pattern, "behavior": one_of(*_BEHAVIORS), "invert": is_flag},
    "Whitespace": {},
    "WhitespaceSplit": {},
}
POST_PROCESSORS: Mapping[str, Part] = {
    "BertProcessing": _FRAME,
    "ByteLevel": _BYTE_LEVEL,
    "RobertaProcessing": {**_FRAME, "trim_offsets": is_flag, "add_prefix_space": is_flag},
    # Looked at as a whole by `tokenizer.check`.
    "TemplateProcessing": {"single": is_list, "pair": is_list, "special_tokens": is_object},
}
# Nothing here decodes; yet the library builds the part when it loads the file.
DECODERS: Mapping[str, Part] = {
    "BPEDecoder": {"suffix": is_short},
    "ByteFallback": {},
    "ByteLevel": _BYTE_LEVEL,
    "Fuse": {},
    "Metaspace": _METASPACE,
    "Replace": {"pattern": is_pattern, "content": is_short},
    "Strip": {"content": _is_character, "start": is_id, "stop": is_id},
    "WordPiece": {"prefix": is_short, "cleanup": is_flag},
}
