"""Take over a checkpoint's ``tokenizer.json``, without the padding and truncation it was trained with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from biolord_export.config import read_json_object
from biolord_export.errors import CheckpointError
from biolord_export.lengths import SENTENCE_FILE
from biolord_onnx.errors import ArtifactError
from biolord_onnx.tokenization import Tokenizer

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.config import JsonObject

TOKENIZER_JSON = "tokenizer.json"
ADVICE = "download the checkpoint again"


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
        CheckpointError: The file is missing or no tokenizer, adds no special tokens, or knows ids that have no vector.
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
        tokenizer = Tokenizer.from_json(text, path)
    except ArtifactError as error:
        raise CheckpointError(f"{path} is no tokenizer of an encoder ({error.__cause__ or error}): {ADVICE}") from error
    if not tokenizer.special_count:
        raise CheckpointError(f"{path} puts no special tokens around a text, an encoder needs them: {ADVICE}")
    highest = max(tokenizer.tokenizer.get_vocab().values())
    if highest >= vocabulary:
        raise CheckpointError(
            f"{path} has ids up to {highest}, config.json says vectors for {vocabulary}: "
            "the two files don't belong together"
        )
    return text


def _asks_lower_case(folder: Path) -> bool:
    path = folder / SENTENCE_FILE
    return path.is_file() and read_json_object(path).get("do_lower_case") is True


def _lower_case_first(normalizer: object) -> JsonObject:
    first: JsonObject = {"type": "Lowercase"}
    return {"type": "Sequence", "normalizers": [first, normalizer]} if normalizer else first
