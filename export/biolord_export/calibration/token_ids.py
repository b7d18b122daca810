"""Token ids of what an encoder is calibrated on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from biolord_onnx.tokenizer.pairs import join_pairs
from biolord_onnx.tokenizer.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from biolord_export.checkpoint.source import Checkpoint
    from biolord_onnx.artifact.pairing import PairFrame

CALIBRATION_LENGTH = 192
"""Tokens of a calibration text that are run: what comes later in a text looks like what came before."""


def text_ids(checkpoint: Checkpoint, texts: Sequence[str]) -> list[NDArray[np.int64]]:
    """Tokenize texts behind the checkpoint's own prompt.

    Returns:
        Each text's ids, int64 [tokens], or where the graph takes token types [2, tokens], with the types, 0, below.
    """
    prompt = checkpoint.prompts.choose()
    found = Tokenizer.from_json(checkpoint.tokenizer_json).tokenize(
        [prompt + text for text in texts], _limit(checkpoint)
    )
    rows = [np.array(ids, dtype=np.int64) for ids in found.ids]
    if checkpoint.pairs is None or not checkpoint.pairs.token_types:
        return rows
    return [np.stack([row, np.zeros_like(row)]) for row in rows]


def pair_ids(
    checkpoint: Checkpoint, frame: PairFrame, pairs: Sequence[tuple[str, str]], prompt: str = ""
) -> list[NDArray[np.int64]]:
    """Tokenize pairs.

    Args:
        checkpoint: Whose tokenizer and limit are taken.
        frame: What stands around a pair.
        pairs: Of texts.
        prompt: In front of each first one.

    Returns:
        As `text_ids`, with the types of a pair.
    """
    tokenizer = Tokenizer.from_json(checkpoint.tokenizer_json)
    firsts = tokenizer.contents([prompt + one for one, _ in pairs])
    seconds = tokenizer.contents([other for _, other in pairs])
    found = join_pairs(zip(firsts, seconds, strict=True), frame, _limit(checkpoint))
    rows = [np.array(ids, dtype=np.int64) for ids in found.ids]
    if found.seconds is None or not frame.token_types:
        return rows
    return [
        np.stack([row, np.arange(len(row)) >= second]) for row, second in zip(rows, found.seconds.tolist(), strict=True)
    ]


def _limit(checkpoint: Checkpoint) -> int:
    return min(checkpoint.max_length.value, CALIBRATION_LENGTH)
