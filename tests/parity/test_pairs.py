"""Pairs of texts have sentence-transformers' vectors, whatever tells their tokens apart."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.pipeline import ExportOptions, export_artifact
from biolord_export.targets import TARGETS
from biolord_onnx.embedder import Embedder
from oracle.client import oracle_python, run
from tiny.checkpoint import write_checkpoint
from tiny.tokenizer import write_json

SCRIPT = Path(__file__).parents[1] / "oracle" / "pairs.py"
LONG = "the cat has a fever and a scratch of the heart " * 12
TITLES = ("cat scratch", "", LONG, "a [SEP] b </s> c <mask>")
ABSTRACTS = ("bartonellosis", "", LONG, "the dog bite", "[CLS] fever [SEP] </s>", "Ärzte, 猫! ﬁ")
PAIRS = list(product(TITLES, ABSTRACTS))
ARCHITECTURES = ("mpnet", "bert", "xlm-roberta", "camembert", "distilbert", "electra", "modernbert")
PROMPT = "fever: "


def _checkpoints(folder: Path) -> dict[str, Path]:
    """Write one of each architecture, and a BERT that cuts texts' beginnings off."""
    found = {name: write_checkpoint(folder / name, architecture=name) for name in ARCHITECTURES}
    left = write_checkpoint(folder / "bert-left", architecture="bert")
    settings = json.loads((left / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(left / "tokenizer_config.json", settings | {"truncation_side": "left"})
    return found | {"bert-left": left}


@pytest.mark.real
def test_vectors_are_those_of_sentence_transformers(tmp_path: Path) -> None:
    """Of short, long and empty pairs, and of texts that spell special tokens out, behind a prompt, too."""
    (tmp_path / "out").mkdir()
    models = _checkpoints(tmp_path)
    requests = [
        {"model": str(model), "pairs": PAIRS, "prompt": PROMPT, "output": f"{model}.npz"} for model in models.values()
    ]
    write_json(tmp_path / "request.json", requests)
    run(oracle_python(), tmp_path / "request.json", script=SCRIPT)
    for name, model in models.items():
        checkpoint = open_checkpoint(str(model), pairs=True)
        export_artifact(checkpoint, tmp_path / "out" / name, ExportOptions(TARGETS["cpu-fp32"]))
        expected = np.load(f"{model}.npz")
        with Embedder.load(tmp_path / "out" / name) as embedder:
            for key, prompt in (("plain", ""), ("prompted", PROMPT)):
                found = embedder.encode_with_info(PAIRS, prompt=prompt)
                worst = np.abs(found.vectors - expected[key]).max()
                assert worst < 1e-5, (name, key, worst)
                assert found.truncated.any()
