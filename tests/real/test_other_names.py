"""Real weights under the names of architectures that no package ships a checkpoint of.

A BERT without its token types is a DistilBERT, an ELECTRA whose embeddings are as long as its token vectors is a BERT,
and a CamemBERT is one that counts positions from 2 on. So all-MiniLM-L6-v2, written under their names, must be read as
itself: whatever is measured of it holds for them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.weights import EncoderWeights
from biolord_export.demo.models import reference_model
from tiny.weights import LAYER_NAMES

pytestmark = pytest.mark.real

Tensors = dict[str, NDArray[np.float32]]
PLACES, TYPES = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"
PADDING = 1


def distilbert(tensors: Tensors, config: dict[str, object]) -> Tensors:
    """Add the token type to the positions, and call layers otherwise."""
    bert, own = LAYER_NAMES["bert"], LAYER_NAMES["distilbert"]
    pairs = [
        *zip(bert.qkvo, own.qkvo, strict=True),
        (bert.attention_norm, own.attention_norm),
        (bert.first, own.first),
        (bert.second, own.second),
        (bert.output_norm, own.output_norm),
    ]
    for name, other in (
        ("dim", "hidden_size"),
        ("n_layers", "num_hidden_layers"),
        ("n_heads", "num_attention_heads"),
        ("hidden_dim", "intermediate_size"),
        ("activation", "hidden_act"),
    ):
        config[name] = config.pop(other)
    config.pop("type_vocab_size")
    renamed = {PLACES: tensors[PLACES] + tensors[TYPES][0]}
    for name, values in tensors.items():
        if name.startswith(bert.layer):
            number, part = name.removeprefix(f"{bert.layer}.").split(".", 1)
            (new,) = [new for old, new in pairs if part.rpartition(".")[0] == old]
            renamed[f"{own.layer}.{number}.{new}.{part.rpartition('.')[2]}"] = values
    return {name: values for name, values in tensors.items() if name.startswith("embeddings.")} | renamed


def electra(tensors: Tensors, config: dict[str, object]) -> Tensors:
    """Say that embeddings are as long as token vectors."""
    config["embedding_size"] = config["hidden_size"]
    return tensors


def camembert(tensors: Tensors, config: dict[str, object]) -> Tensors:
    """Put positions behind the padding's."""
    rows = len(tensors[PLACES]) + PADDING + 1
    config |= {"pad_token_id": PADDING, "max_position_embeddings": rows}
    return tensors | {PLACES: np.pad(tensors[PLACES], ((PADDING + 1, 0), (0, 0)))}


def read(folder: Path) -> EncoderWeights:
    """Read a checkpoint's weights."""
    return read_weights(read_encoder_config(folder), folder / "model.safetensors")


@pytest.mark.parametrize("rewrite", [distilbert, electra, camembert])
def test_a_real_bert_is_read_under_other_names(
    rewrite: Callable[[Tensors, dict[str, object]], Tensors], tmp_path: Path
) -> None:
    """Every weight is that of the BERT, to the last bit."""
    model = reference_model("all-minilm-l6-v2")
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    config["model_type"] = rewrite.__name__
    tensors = {name: values for name, values in load_file(model / "model.safetensors").items() if "_ids" not in name}
    tensors = {name: values for name, values in tensors.items() if not name.startswith("pooler.")}
    save_file(rewrite(tensors, config), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(model / "tokenizer.json", tmp_path)
    expected, found = read(model), read(tmp_path)
    assert found.architecture == rewrite.__name__
    np.testing.assert_array_equal(found.word_embeddings, expected.word_embeddings)
    np.testing.assert_array_equal(found.position_embeddings[found.first_position :], expected.position_embeddings)
    for one, other in zip(found.layers, expected.layers, strict=True):
        for linear in ("qkv", "attention_output", "fc1", "fc2"):
            np.testing.assert_array_equal(getattr(one, linear).weight, getattr(other, linear).weight)
            np.testing.assert_array_equal(getattr(one, linear).bias, getattr(other, linear).bias)
        for norm in ("attention_norm", "output_norm"):
            np.testing.assert_array_equal(getattr(one, norm).weight, getattr(other, norm).weight)
            assert getattr(one, norm).epsilon == getattr(other, norm).epsilon
