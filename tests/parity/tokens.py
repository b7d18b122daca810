"""Token ids of a checkpoint, as its export would give them."""

from __future__ import annotations

import json
from pathlib import Path

from biolord_onnx.tokenizer.tokenizer import Tokenizer


def checkpoint_tokenizer(folder: Path) -> Tokenizer:
    """Load a checkpoint's tokenizer without the padding and truncation that it was trained with."""
    values = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    return Tokenizer.from_json(json.dumps(values | {"padding": None, "truncation": None}))
