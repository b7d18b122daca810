"""``tokenizer_config.json`` and its companions: transformers changes the tokenizer of ``tokenizer.json`` by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_json_if_there, read_json_object
from biolord_export.checkpoint.settings.known_keys import Key, check_keys, shown
from biolord_export.checkpoint.tokenizer.added import SETTINGS_FILE, add_tokens
from biolord_export.checkpoint.tokenizer.sentencepiece import WAY_OUT
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.manifest import LEFT, RIGHT

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

OWN_CLASSES = {
    "bert": "BertTokenizer",
    "camembert": "CamembertTokenizer",
    "distilbert": "DistilBertTokenizer",
    "electra": "ElectraTokenizer",
    "mpnet": "MPNetTokenizer",
    "roberta": "RobertaTokenizer",
    "xlm-roberta": "XLMRobertaTokenizer",
}
"""The tokenizer that transformers takes for an architecture where no file names one."""
BERT_CLASSES = frozenset({"BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer"})
CLASSES = BERT_CLASSES | {*OWN_CLASSES.values(), "PreTrainedTokenizer", "TokenizersBackend"}
"""Those that take ``tokenizer.json`` as it is but for what is applied below; with ``Fast`` behind the name, too."""
_SWITCH = (True, False)
_INPUTS = (
    ["input_ids", "attention_mask"],
    ["input_ids", "token_type_ids", "attention_mask"],
    ["input_ids", "attention_mask", "token_type_ids"],
)
TOKENIZER_KEYS = {
    "truncation_side": Key("which end of a long text is cut off", (RIGHT, LEFT)),
    "padding_side": Key("where padding goes: a text alone has none", (RIGHT, LEFT)),
    "split_special_tokens": Key("special tokens that a text spells out are taken for words", (False,)),
    "from_slow": Key("the tokenizer is built from older files, tokenizer.json isn't read", (False,)),
    "do_basic_tokenize": Key("texts aren't split at punctuation", (True,)),
    "do_lower_case": Key("texts are lowered", _SWITCH),
    "strip_accents": Key("accents are taken off", (*_SWITCH, None)),
    "tokenize_chinese_chars": Key("Chinese characters are words of their own", _SWITCH),
    "add_prefix_space": Key("a space is put in front of a text", _SWITCH),
    "model_input_names": Key("without a mask, padding counts as text", _INPUTS),
    "tokenizer_file": Key("it names another file than tokenizer.json", (None,)),
    "processor_class": Key("it names another way to prepare texts", (None,)),
    "auto_map": Key("it names code of its own, which is never run", (None, {})),
    "chat_template": Key("texts would be laid out as a conversation", (None,)),
}
"""Those that change token ids; the file has many others that don't."""
STRAY_FILES = {
    "chat_template.jinja": "texts would be laid out as a conversation",
    "processor_config.json": "it says how to prepare images, sounds and texts together",
    "preprocessor_config.json": "it says how to prepare images or sounds",
    "video_preprocessor_config.json": "it says how to prepare videos",
}


def apply_tokenizer_settings(values: JsonObject, folder: Path, model_type: str) -> JsonObject:
    """Change a ``tokenizer.json`` as transformers does when it loads one.

    Args:
        values: What the file holds.
        folder: Where its companions lie.
        model_type: The architecture, which decides where no file names the tokenizer's class.

    Raises:
        CheckpointError: A companion is broken, or asks for what isn't carried out.
    """
    for name, why in STRAY_FILES.items():
        if (folder / name).exists():
            raise CheckpointError(f"{folder / name}: {why}, the exporter can't convert this checkpoint")
    path = folder / SETTINGS_FILE
    settings = read_json_if_there(path)
    check_keys(_with_sides(settings, values), path, TOKENIZER_KEYS, only=False)
    kind = tokenizer_class(settings, folder, model_type)
    values = add_tokens(values, settings, folder)
    return _with_prefix_space(_with_case(values, settings, kind), settings)


def read_truncation_side(values: JsonObject, folder: Path) -> str:
    """Return which end of a long text is cut off, by a ``tokenizer.json`` and its companions."""
    settings = _with_sides(read_json_if_there(folder / SETTINGS_FILE), values)
    return LEFT if settings.get("truncation_side") == LEFT else RIGHT


def _with_sides(settings: JsonObject, values: JsonObject) -> JsonObject:
    """Add the sides that ``tokenizer.json`` states where the settings state none."""
    sides = {}
    for key, part in (("truncation_side", values.get("truncation")), ("padding_side", values.get("padding"))):
        if isinstance(part, dict) and isinstance(part.get("direction"), str):
            sides[key] = part["direction"].lower()
    return {**sides, **settings}


def tokenizer_class(settings: JsonObject, folder: Path, model_type: str) -> str:
    """Name the class that transformers loads, without ``Fast``.

    Raises:
        CheckpointError: It is none whose ways are known.
    """
    stated = settings.get("tokenizer_class") or read_json_object(folder / "config.json").get("tokenizer_class")
    name = OWN_CLASSES.get(model_type, "PreTrainedTokenizer") if stated is None else str(stated)
    kind = name.removesuffix("Fast")
    if kind not in CLASSES:
        raise CheckpointError(
            f"{folder / SETTINGS_FILE}: tokenizer_class is {shown(stated)}, the exporter knows "
            f"{', '.join(sorted(CLASSES))}: {WAY_OUT}"
        )
    return kind


def _with_case(values: JsonObject, settings: JsonObject, kind: str) -> JsonObject:
    """Let the settings, and their defaults, overrule what a WordPiece tokenizer's normalizer does."""
    normalizer = values.get("normalizer")
    if not isinstance(normalizer, dict) or normalizer.get("type") != "BertNormalizer":
        return values
    if kind not in BERT_CLASSES and kind != "MPNetTokenizer":
        return values
    wanted = {
        "lowercase": settings.get("do_lower_case", True),
        "strip_accents": settings.get("strip_accents"),
    }
    if kind in BERT_CLASSES:
        wanted["handle_chinese_chars"] = settings.get("tokenize_chinese_chars", True)
    return {**values, "normalizer": {**normalizer, **wanted}}


def _with_prefix_space(values: JsonObject, settings: JsonObject) -> JsonObject:
    pre_tokenizer = values.get("pre_tokenizer")
    if not isinstance(pre_tokenizer, dict) or pre_tokenizer.get("type") != "ByteLevel":
        return values
    wanted = settings.get("add_prefix_space", False)
    return {**values, "pre_tokenizer": {**pre_tokenizer, "add_prefix_space": wanted}}
