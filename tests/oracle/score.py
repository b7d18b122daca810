"""What sentence-transformers' CrossEncoder makes of some pairs. Run by the oracle's interpreter, never by a test's.

    python score.py REQUEST.json

The request: a list of objects with `model` (a checkpoint folder), `pairs` (lists of two strings) and `output` (the JSON
file to write: `scores`, `logits` and `max_length`); `save`, if it isn't null, is a folder to save the model into, as
this release lays it out. `client.py` reads the answers.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from sentence_transformers import CrossEncoder


def answer(request: dict[str, Any]) -> None:
    """Answer one request."""
    model = CrossEncoder(request["model"], device="cpu", local_files_only=True, model_kwargs={"dtype": torch.float32})
    pairs = [tuple(pair) for pair in request["pairs"]]
    found = {
        "scores": model.predict(pairs, show_progress_bar=False).tolist(),
        "logits": model.predict(pairs, show_progress_bar=False, activation_fn=torch.nn.Identity()).tolist(),
        "max_length": model.max_seq_length,
    }
    Path(request["output"]).write_text(json.dumps(found), encoding="utf-8")
    if request["save"] is not None:
        model.save_pretrained(request["save"])


if __name__ == "__main__":
    torch.set_num_threads(2)
    for one in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        answer(one)
