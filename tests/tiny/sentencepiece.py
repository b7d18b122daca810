"""``sentencepiece.bpe.model`` of the Unigram tokenizer, as XLM-R's checkpoints have it beside ``tokenizer.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from biolord_export.checkpoint.tokenizer.sentencepiece import model_class
from tiny.unigram import Pieces, charsmap, trained_pieces

NORMAL, UNKNOWN, CONTROL = 1, 2, 3


def write_model(
    path: Path,
    *,
    first: tuple[str, ...] = ("<unk>", "<s>", "</s>"),
    kind: int = 1,
    pieces: Pieces | None = None,
    rules: bytes | None = None,
) -> Path:
    """Write the protocol buffer; ``kind`` is 1 for Unigram, 2 for BPE, ``rules`` are compiled ones for its texts."""
    model: Any = model_class()()
    for name in first:
        model.pieces.add(piece=name, score=0.0, type=UNKNOWN if name == "<unk>" else CONTROL)
    for piece, score in trained_pieces() if pieces is None else pieces:
        model.pieces.add(piece=piece, score=score, type=NORMAL)
    model.trainer_spec.model_type = kind
    model.normalizer_spec.precompiled_charsmap = charsmap() if rules is None else rules
    path.write_bytes(model.SerializeToString(deterministic=True))
    return path
