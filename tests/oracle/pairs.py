"""What sentence-transformers makes of pairs of texts. Run by the oracle's interpreter, never imported by a test.

    python pairs.py REQUEST.json

The request: a list of objects with `model` (a checkpoint folder), `pairs` (lists of two strings), `prompt` and `output`
(the .npz to write: `plain` and `prompted`, the vectors without and with it).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sentence_transformers import SentenceTransformer


def answer(request: dict[str, Any]) -> None:
    """Answer one request."""
    model = SentenceTransformer(
        request["model"], device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32}
    )
    pairs = [tuple(pair) for pair in request["pairs"]]
    vectors = {
        name: model.encode(pairs, prompt=prompt, show_progress_bar=False)
        for name, prompt in (("plain", None), ("prompted", request["prompt"]))
    }
    np.savez(request["output"], **vectors)


if __name__ == "__main__":
    torch.set_num_threads(2)
    for one in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        answer(one)
