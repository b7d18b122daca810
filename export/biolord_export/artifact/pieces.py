"""Compile a Unigram tokenizer's vocabulary into the table that the runtime maps instead of loading it."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any

from biolord_export.errors import ExportError
from biolord_onnx.tokenizer.pieces import LONGEST_PIECE, PiecesHeader, read_pieces, write_pieces
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from biolord_onnx.tokenizer.unigram import UnigramEncoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FRAME_PIECE = "<unk>"
"""The library takes no Unigram model without a piece."""


def compile_pieces(path: Path, tokenizer_json: str, texts: Sequence[str]) -> bool:
    """Write the table of a tokenizer, if it is of a kind that has one.

    That is a Unigram model (XLM-R's) with a token for what it has no piece for, and no overlong piece.

    Args:
        path: The file to write.
        tokenizer_json: The text of the artifact's ``tokenizer.json``.
        texts: Texts whose ids are compared.

    Returns:
        Whether the file was written.

    Raises:
        ExportError: A text gets other ids than from the library.
    """
    values: dict[str, Any] = json.loads(tokenizer_json)
    model = values["model"]
    if model.get("type") != "Unigram" or model.get("unk_id") is None or model.get("byte_fallback"):
        return False
    longest = max(len(piece) for piece, _ in model["vocab"])
    if longest > LONGEST_PIECE:
        return False
    whole = Tokenizer.from_json(tokenizer_json)
    vocabulary = [(piece.encode(), float(score)) for piece, score in model["vocab"]]
    header = PiecesHeader(
        pieces=len(vocabulary),
        text_bytes=sum(len(piece) for piece, _ in vocabulary),
        longest=longest,
        unknown=model["unk_id"],
        prefix=whole.prefix,
        suffix=whole.suffix,
        reserved=tuple(token["content"] for token in values["added_tokens"]),
        frame=_frame(values),
        score_bytes=4
        if all(struct.unpack("<f", struct.pack("<f", score))[0] == score for _, score in vocabulary)
        else 8,
    )
    write_pieces(path, header, vocabulary)
    _compare(whole, UnigramEncoder(read_pieces(path), lambda: whole.tokenizer), texts)
    return True


def _frame(values: dict[str, Any]) -> str:
    model = {"type": "Unigram", "unk_id": 0, "vocab": [[FRAME_PIECE, 0.0]], "byte_fallback": False}
    return json.dumps(values | {"added_tokens": [], "post_processor": None, "model": model}, ensure_ascii=False)


def _compare(whole: Tokenizer, compiled: UnigramEncoder, texts: Sequence[str]) -> None:
    expected = whole.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    found = compiled.encode_batch_fast(texts, add_special_tokens=False)
    for text, theirs, ours in zip(texts, expected, found, strict=True):
        if theirs.ids != ours.ids:
            raise ExportError(
                f"the compiled vocabulary cuts {text!r} into {ours.ids}, tokenizers into {theirs.ids}: "
                "report this tokenizer, please"
            )
