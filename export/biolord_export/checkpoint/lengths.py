"""How many tokens a text may have: what sentence-transformers would use, and which file said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.settings.json_files import read_int, read_json_if_there
from biolord_export.checkpoint.settings.sentence_settings import read_sentence_settings
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.manifest import MaxLength

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.modules import Modules
    from biolord_export.checkpoint.settings.json_files import JsonObject

TOKENIZER_FILE = "tokenizer_config.json"
FEWEST = 3
"""A text of fewer tokens would be nothing but the two special ones."""


def usable_positions(config: EncoderConfig) -> int:
    """Return how many tokens have a position vector."""
    return config.max_positions - config.first_position


def read_max_length(modules: Modules, config: EncoderConfig) -> MaxLength:
    """Read the longest text of a checkpoint, special tokens included.

    With a module list, that is ``max_seq_length`` of ``sentence_bert_config.json`` (or what older releases called it);
    without, or where it is null, the tokenizer's ``model_max_length``; never more than there are positions.

    Args:
        modules: The checkpoint's modules.
        config: Its sizes.

    Raises:
        CheckpointError: A file is broken.
    """
    limit = usable_positions(config)
    for name, key, values in _statements(modules):
        if values.get(key) is not None:
            stated = read_int(_whole(values, key), key, modules.encoder / name)
            return MaxLength(stated, name) if stated <= limit else MaxLength(limit, f"config.json ({name}: {stated})")
    return MaxLength(limit, "config.json")


def _statements(modules: Modules) -> Iterator[tuple[str, str, JsonObject]]:
    """Go through the files that may state a length, by rank: their name, the key, and what they hold."""
    if modules.listed:
        name, values = read_sentence_settings(modules.encoder)
        yield name, "max_seq_length", values
    path = modules.encoder / TOKENIZER_FILE
    values = read_json_if_there(path)
    # The second is what transformers' first releases wrote; the first, where it is null, hides it.
    yield path.name, "model_max_length" if "model_max_length" in values else "max_len", values


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


def tell_of_length(chosen: MaxLength, own: MaxLength) -> tuple[str, ...]:
    """Say what it means that the checkpoint's own length is overruled, if it is."""
    if chosen.value == own.value:
        return ()
    if chosen.value > own.value:
        note = (
            f"texts may have {chosen.value} tokens, {own.source} says {own.value}: sentence-transformers would cut "
            "there, and vectors of longer texts are outside of what the checkpoint was made for"
        )
    else:
        note = (
            f"texts are cut at {chosen.value} tokens (--max-length), {own.source} says {own.value}: vectors of longer "
            "texts are not the checkpoint's"
        )
    return (note,)


def _whole(values: JsonObject, key: str) -> JsonObject:
    # Tokenizers without a limit state a huge float such as 1e30.
    value = values[key]
    return {**values, key: int(value)} if isinstance(value, float) and value.is_integer() else values
