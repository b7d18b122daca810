"""How many tokens a text may have: what sentence-transformers would use, and which file said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.config import read_int, read_json_object
from biolord_export.errors import CheckpointError
from biolord_onnx.manifest import MaxLength

if TYPE_CHECKING:
    from biolord_export.config import EncoderConfig
    from biolord_export.modules import Modules

SENTENCE_FILE = "sentence_bert_config.json"
TOKENIZER_FILE = "tokenizer_config.json"
FEWEST = 3
"""A text of fewer tokens would be nothing but the two special ones."""


def usable_positions(config: EncoderConfig) -> int:
    """Return how many tokens have a position vector."""
    return config.max_positions - config.first_position


def read_max_length(modules: Modules, config: EncoderConfig) -> MaxLength:
    """Read the longest text of a checkpoint, special tokens included.

    With a module list, that is ``max_seq_length`` of ``sentence_bert_config.json``; without, or where it is null, the
    tokenizer's ``model_max_length``; never more than there are positions.

    Args:
        modules: The checkpoint's modules.
        config: Its sizes.

    Raises:
        CheckpointError: A file is broken.
    """
    limit = usable_positions(config)
    for name, key, counts in (
        (SENTENCE_FILE, "max_seq_length", modules.source == "modules.json"),
        (TOKENIZER_FILE, "model_max_length", True),
    ):
        path = modules.encoder / name
        if counts and path.is_file() and read_json_object(path).get(key) is not None:
            stated = read_int(_whole(read_json_object(path), key), key, path)
            return MaxLength(stated, name) if stated <= limit else MaxLength(limit, f"config.json ({name}: {stated})")
    return MaxLength(limit, "config.json")


def choose_max_length(own: MaxLength, config: EncoderConfig, asked: int | None) -> MaxLength:
    """Let a user's wish overrule a checkpoint's own length; the source tells of one that goes beyond it.

    Raises:
        CheckpointError: The wish doesn't fit the positions, or there is none and the checkpoint's own is useless.
    """
    if asked is None:
        if own.value < FEWEST:
            raise CheckpointError(
                f"{config.path.parent / own.source} allows {own.value} tokens, expected {FEWEST} or more: "
                "choose a --max-length"
            )
        return own
    limit = usable_positions(config)
    if not FEWEST <= asked <= limit:
        raise CheckpointError(
            f"--max-length is {asked}, this checkpoint has {FEWEST} to {limit} positions: choose one of them"
        )
    return MaxLength(asked, f"--max-length ({own.source}: {own.value})" if asked > own.value else "--max-length")


def warn_of_length(chosen: MaxLength, own: MaxLength) -> str | None:
    """Say what it means that texts may be longer than a checkpoint says, if they may."""
    if chosen.value <= own.value:
        return None
    return (
        f"texts may have {chosen.value} tokens, {own.source} says {own.value}: sentence-transformers would cut there, "
        "and vectors of longer texts are outside of what the checkpoint was made for"
    )


def _whole(values: dict[str, object], key: str) -> dict[str, object]:
    # Tokenizers without a limit state a huge float such as 1e30.
    value = values[key]
    return {**values, key: int(value)} if isinstance(value, float) and value.is_integer() else values
