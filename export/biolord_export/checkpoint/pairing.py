"""How a checkpoint's tokenizer and encoder take two texts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.checkpoint.tokenizer.frame import find_frame, names_token_types
from biolord_export.errors import CheckpointError
from biolord_onnx.artifact.pairing import PairFrame

if TYPE_CHECKING:
    from pathlib import Path

    from biolord_export.checkpoint.config import EncoderConfig


def read_pair_frame(folder: Path, tokenizer_json: str, config: EncoderConfig) -> PairFrame:
    """Find out how a tokenizer frames a pair, and whether the encoder is told which text a token belongs to.

    Args:
        folder: The checkpoint's.
        tokenizer_json: Its tokenizer.
        config: Its encoder's.

    Raises:
        CheckpointError: In a way that the runtime doesn't carry out, or the encoder has no types for it.
    """
    frame = find_frame(tokenizer_json, folder)
    typed = frame.typed and names_token_types(folder, config.model_type) and config.token_types > 0
    if typed and config.token_types == 1:
        raise CheckpointError(
            f"{config.path}: type_vocab_size is 1, and the tokenizer gives a pair's second text the type 1: "
            "the two files don't belong together"
        )
    return PairFrame(frame.prefix, frame.middle, frame.suffix, typed)


def choose_pairs(folder: Path, tokenizer_json: str, config: EncoderConfig, *, asked: bool) -> PairFrame | None:
    """Decide whether an artifact that embeds texts takes pairs: unasked, where the same graph can.

    Args:
        folder: The checkpoint's.
        tokenizer_json: Its tokenizer.
        config: Its encoder's.
        asked: Whether it must; the graph has an input more then, where the encoder has token types.

    Returns:
        How it frames them; None if it takes none.

    Raises:
        CheckpointError: It must, and can't.
    """
    try:
        frame = read_pair_frame(folder, tokenizer_json, config)
    except CheckpointError:
        if asked:
            raise
        return None
    return None if frame.token_types and not asked else frame
