"""Take over a checkpoint's tokenizer, without the padding and truncation it was trained with.

That is its ``tokenizer.json``, or what transformers would make of its older files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_json_object
from biolord_export.checkpoint.settings.sentence_settings import read_sentence_settings
from biolord_export.checkpoint.tokenizer.sentencepiece import MODEL_FILE, WAY_OUT, build_unigram
from biolord_export.checkpoint.tokenizer.settings import apply_tokenizer_settings, read_truncation_side
from biolord_export.checkpoint.tokenizer.vocabulary import SPECIAL_NAMES, VOCAB_FILE, build_wordpiece
from biolord_export.errors import CheckpointError
from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenizer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.modules import Modules
    from biolord_export.checkpoint.settings.json_files import JsonObject

TOKENIZER_JSON = "tokenizer.json"
ADVICE = "download the checkpoint again"


@dataclass(frozen=True, slots=True)
class PreparedTokenizer:
    """An artifact's tokenizer.

    Attributes:
        json: The text of its tokenizer.json.
        truncation_side: Which end of a text over the limit is cut off, ``right`` or ``left``.
    """

    json: str
    truncation_side: str


def prepare_tokenizer(modules: Modules, config: EncoderConfig) -> PreparedTokenizer:
    """Read the tokenizer of a checkpoint.

    Padding and truncation are reset: all-mpnet-base-v2's file, for one, pads every text to 128 tokens. What the file's
    companions change is changed. Where ``sentence_bert_config.json`` asks for lower case, that is put in front, as
    sentence-transformers does.

    Args:
        modules: The folder where tokenizer.json lies; or vocab.txt of an MPNet or BERT; or sentencepiece.bpe.model of
            an XLM-R.
        config: The encoder's kind, and how many token vectors it has.

    Raises:
        CheckpointError: The file is missing or no tokenizer, adds no special tokens, or knows ids that have no vector;
            or a companion asks for what isn't carried out.
    """
    path, values = _read(modules.encoder, config.model_type)
    side = read_truncation_side(values, modules.encoder)
    values = apply_tokenizer_settings(values, modules.encoder, config.model_type)
    values["padding"] = values["truncation"] = None
    if asks_lower_case(modules):
        values["normalizer"] = _lower_case_first(values.get("normalizer"))
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    try:
        tokenizer = Tokenizer.from_json(text, path)
    except ArtifactError as error:
        raise CheckpointError(f"{path} is no tokenizer of an encoder ({error.__cause__ or error}): {ADVICE}") from error
    if not tokenizer.special_count:
        raise CheckpointError(f"{path} puts no special tokens around a text, an encoder needs them: {ADVICE}")
    if tokenizer.highest_id >= config.vocabulary:
        raise CheckpointError(
            f"{path} has ids up to {tokenizer.highest_id}, config.json says vectors for {config.vocabulary}: "
            "the two files don't belong together"
        )
    return PreparedTokenizer(text, side)


def asks_lower_case(modules: Modules) -> bool:
    """Tell whether sentence-transformers lowers texts, whatever the tokenizer does."""
    return modules.listed and read_sentence_settings(modules.encoder)[1].get("do_lower_case") is True


def _read(folder: Path, model_type: str) -> tuple[Path, JsonObject]:
    """Read the best of a folder's tokenizer files, as a ``tokenizer.json``; and say which it is."""
    path = folder / TOKENIZER_JSON
    if path.exists():
        return path, read_json_object(path)
    if model_type in SPECIAL_NAMES and (folder / VOCAB_FILE).is_file():
        return folder / VOCAB_FILE, json.loads(build_wordpiece(folder, model_type))
    if model_type == "xlm-roberta" and (folder / MODEL_FILE).is_file():
        return folder / MODEL_FILE, json.loads(build_unigram(folder / MODEL_FILE))
    raise CheckpointError(f"{path} is missing, and there is no other file that a tokenizer is built from: {WAY_OUT}")


def _lower_case_first(normalizer: object) -> object:
    steps = normalizer if isinstance(normalizer, dict) else {}
    inner = steps.get("normalizers") if steps.get("type") == "Sequence" else [steps] if steps else []
    if not isinstance(inner, list) or any(isinstance(step, dict) and step.get("type") == "Lowercase" for step in inner):
        return normalizer  # lowered already, wherever that is: sentence-transformers leaves it
    return {"type": "Sequence", "normalizers": [{"type": "Lowercase"}, *inner]}
