"""The Transformer module's own file, ``sentence_bert_config.json`` or what older releases called it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_json_if_there
from biolord_export.checkpoint.settings.known_keys import Key, check_keys
from biolord_export.errors import CheckpointError

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.settings.json_files import JsonObject

SENTENCE_FILES = tuple(
    f"sentence_{kind}_config.json"
    for kind in ("bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet")
)
"""sentence-transformers takes the first that is there and says anything."""
NO_ARGUMENTS: tuple[object, ...] = ({}, None)
_TEXT_ONLY = {"text": {"method": "forward", "method_output_name": "last_hidden_state"}}
SENTENCE_KEYS = {
    "max_seq_length": Key("read in lengths.py"),
    "do_lower_case": Key("texts are lowered before they are tokenized", (True, False)),
    "transformer_task": Key("another task yields other outputs than token vectors", ("feature-extraction",)),
    "modality_config": Key("where token vectors come from; a chat template would change every text", (_TEXT_ONLY,)),
    "module_output_name": Key("what the pooling is given", ("token_embeddings",)),
    "processing_kwargs": Key("options of every call of the tokenizer", NO_ARGUMENTS),
    "unpad_inputs": Key("whether a batch is computed without its padding, which changes rounding alone"),
    "model_args": Key("options of loading the weights", NO_ARGUMENTS),
    "model_kwargs": Key("options of loading the weights", NO_ARGUMENTS),
    "tokenizer_args": Key("options of loading the tokenizer, which overrule its own file", NO_ARGUMENTS),
    "processor_kwargs": Key("options of loading the tokenizer, which overrule its own file", NO_ARGUMENTS),
    "config_args": Key("options of loading config.json, which overrule it", NO_ARGUMENTS),
    "config_kwargs": Key("options of loading config.json, which overrule it", NO_ARGUMENTS),
    "tokenizer_name_or_path": Key("a tokenizer from elsewhere", (None,)),
}


def read_sentence_settings(folder: Path) -> tuple[str, JsonObject]:
    """Read the module's settings.

    Args:
        folder: The encoder's.

    Returns:
        The file's name and what it holds; nothing, where there is none.

    Raises:
        CheckpointError: The file is broken, or asks for what the exporter doesn't carry out.
    """
    for name in SENTENCE_FILES:
        path = folder / name
        values = read_json_if_there(path)
        if values:
            check_keys(values, path, SENTENCE_KEYS, only=True)
            _check_outputs(values, path)
            return name, values
    return SENTENCE_FILES[0], {}


def _check_outputs(values: JsonObject, path: Path) -> None:
    if "modality_config" in values and "module_output_name" not in values:
        raise CheckpointError(f"{path}: modality_config is there and module_output_name isn't: download it again")
