"""Tables of pieces of small vocabularies, compiled as the exporter does."""

from __future__ import annotations

import json
from pathlib import Path

from biolord_export.artifact.pieces import compile_pieces
from tiny.unigram import build_unigram


def unigram_json(**changes: object) -> str:
    """The tiny XLM-R's ``tokenizer.json``, with other values for some members."""
    return json.dumps(json.loads(build_unigram()) | changes)


def write_table(folder: Path, tokenizer_json: str | None = None) -> Path:
    """Write both files of a tokenizer; returns the path of the table."""
    text = build_unigram() if tokenizer_json is None else tokenizer_json
    (folder / "tokenizer.json").write_text(text, encoding="utf-8")
    path = folder / "pieces.bin"
    assert compile_pieces(path, text, ["a b", ""])
    return path
