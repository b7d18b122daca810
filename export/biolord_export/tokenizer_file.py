"""Take over a checkpoint's ``tokenizer.json``, without the padding and truncation it was trained with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tokenizers import Tokenizer

from biolord_export.config import read_json_object
from biolord_export.errors import CheckpointError
from biolord_export.lengths import SENTENCE_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.config import JsonObject

TOKENIZER_JSON = "tokenizer.json"


def prepare_tokenizer(folder: Path, vocabulary: int) -> str:
    """Read the tokenizer of a checkpoint folder.

    Padding and truncation are reset: all-mpnet-base-v2's file, for one, pads every text to 128 tokens. Where
    ``sentence_bert_config.json`` asks for lower case, that is put in front, as sentence-transformers does.

    Args:
        folder: Where tokenizer.json lies.
        vocabulary: How many token vectors the checkpoint has.

    Returns:
        The JSON text of the artefact's tokenizer.json.

    Raises:
        CheckpointError: The file is missing or no tokenizer, or has more tokens than the checkpoint.
    """
    path = folder / TOKENIZER_JSON
    if not path.is_file():
        raise CheckpointError(
            f"{path} is missing: a checkpoint needs its fast tokenizer file (transformers writes one with "
            "AutoTokenizer.from_pretrained(…).save_pretrained(…))"
        )
    values = read_json_object(path)
    values["padding"] = values["truncation"] = None
    if _asks_lower_case(folder):
        values["normalizer"] = _lower_case_first(values.get("normalizer"))
    text = json.dumps(values, ensure_ascii=False)
    try:
        tokenizer = Tokenizer.from_str(text)
    except Exception as error:  # tokenizers raises nothing more specific
        raise CheckpointError(f"{path} is not a tokenizer ({error}): download it again") from error
    if tokenizer.get_vocab_size() > vocabulary:
        raise CheckpointError(
            f"{path} has {tokenizer.get_vocab_size()} tokens, config.json only {vocabulary} vectors: "
            "the two files don't belong together"
        )
    return text


def _asks_lower_case(folder: Path) -> bool:
    path = folder / SENTENCE_FILE
    return path.is_file() and read_json_object(path).get("do_lower_case") is True


def _lower_case_first(normalizer: object) -> JsonObject:
    first: JsonObject = {"type": "Lowercase"}
    return {"type": "Sequence", "normalizers": [first, normalizer]} if normalizer else first
