"""Whole cross-encoder folders of some 300 kB, which sentence-transformers loads too.

write_cross_encoder(tmp_path / "model", architecture="bert", activation=IDENTITY)
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from tiny.checkpoint import SIZES, write_checkpoint
from tiny.tokenizer import write_json

SIGMOID, IDENTITY = "torch.nn.modules.activation.Sigmoid", "torch.nn.modules.linear.Identity"


@dataclass(frozen=True)
class Classifier:
    """How transformers names an architecture's model for sequence classification and its parts."""

    model: str
    prefix: str
    dense: str
    output: str


_ROBERTA = ("classifier.dense", "classifier.out_proj")
CLASSIFIERS = {
    "bert": Classifier("BertForSequenceClassification", "bert.", "bert.pooler.dense", "classifier"),
    "mpnet": Classifier("MPNetForSequenceClassification", "mpnet.", *_ROBERTA),
    "xlm-roberta": Classifier("XLMRobertaForSequenceClassification", "roberta.", *_ROBERTA),
}


def write_cross_encoder(
    folder: Path,
    *,
    architecture: str = "bert",
    activation: str | None = SIGMOID,
    labels: int = 1,
    seed: int = 1,
    settings: Mapping[str, object] | None = None,
) -> Path:
    """Write a checkpoint for sequence classification and return its folder; the same arguments give the same bytes.

    Args:
        folder: Made, if need be.
        architecture: ``bert``, ``mpnet`` or ``xlm-roberta``.
        activation: What ``config.json`` says that scores go through; None leaves it out.
        labels: That it classifies into.
        seed: Of the weights.
        settings: More members of ``config.json``.
    """
    names = CLASSIFIERS[architecture]
    write_checkpoint(folder, architecture=architecture, modules=False, prefix=names.prefix, seed=seed)
    (folder / "sentence_bert_config.json").unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config |= {
        "architectures": [names.model],
        "id2label": {str(number): f"LABEL_{number}" for number in range(labels)},
        "label2id": {f"LABEL_{number}": number for number in range(labels)},
        **({"sentence_transformers": {"activation_fn": activation}} if activation else {}),
        **(settings or {}),
    }
    write_json(folder / "config.json", config)
    if architecture != "bert":  # whose files state 512; real ones of these two have two positions more than that
        tokenizer = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        write_json(folder / "tokenizer_config.json", tokenizer | {"model_max_length": SIZES.positions - 2})
    _write_classifier(folder / "model.safetensors", names, labels, seed)
    return folder


def _write_classifier(path: Path, names: Classifier, labels: int, seed: int) -> None:
    random, dim = np.random.default_rng(seed + 1000), SIZES.hidden
    tensors = load_file(path)
    for name, shape, scale in ((names.dense, (dim, dim), dim**-0.5), (names.output, (labels, dim), 0.5)):
        tensors[f"{name}.weight"] = random.normal(0, scale, shape).astype(np.float32)
        tensors[f"{name}.bias"] = random.normal(0, 0.1, shape[:1]).astype(np.float32)
    save_file(tensors, path, metadata={"format": "pt"})
