"""Whole sentence-transformers folders of some 300 kB, which the real library loads too.

write_checkpoint(tmp_path / "model", architecture="bert", normalize=True)
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from tiny.tokenizer import SPECIALS, vocabulary, write_json, write_tokenizer
from tiny.weights import TOKEN_TYPES, Sizes, random_tensors

SIZES = Sizes()
MAX_SEQ_LENGTH = 48
"""The limit in sentence_bert_config.json: below that of the positions, above the tokenizer's baked-in one."""
EPSILON = {"mpnet": 1e-5, "bert": 1e-12, "xlm-roberta": 1e-5, "camembert": 1e-5, "electra": 1e-12, "modernbert": 1e-5}
_CLASSES = {
    "mpnet": "MPNetForMaskedLM",
    "bert": "BertModel",
    "xlm-roberta": "XLMRobertaModel",
    "camembert": "CamembertModel",
    "distilbert": "DistilBertModel",
    "electra": "ElectraModel",
    "modernbert": "ModernBertModel",
}
MODERN_SIZES = Sizes(heads=2, layers=4)
"""Two layers that see everything, two that see near tokens; heads as wide as rotary positions want them."""
WINDOW = 16
"""Of the tiny ModernBERT: keys at most 8 tokens away."""
_MODES = {
    "cls": "pooling_mode_cls_token",
    "mean": "pooling_mode_mean_tokens",
    "max": "pooling_mode_max_tokens",
}


def write_checkpoint(
    folder: Path,
    *,
    architecture: str = "mpnet",
    sizes: Sizes = SIZES,
    pooling: str = "mean",
    normalize: bool = False,
    dense: bool = False,
    modules: bool = True,
    tokenizer: bool = True,
    half: bool = False,
    prefix: str = "",
    output_hidden_states: bool = False,
    max_seq_length: int = MAX_SEQ_LENGTH,
    seed: int = 1,
) -> Path:
    """Write a checkpoint and return its folder; the same arguments give the same bytes.

    Args:
        folder: Made, if need be.
        architecture: One of ``_CLASSES``.
        sizes: Of the encoder; a ModernBERT's are `MODERN_SIZES` unless others are given.
        pooling: ``mean``, ``cls`` or ``max``.
        normalize: Whether the module list ends in a Normalize module; BioLORD's has none.
        dense: Whether a Dense module follows the pooling, which no artifact can have.
        modules: False leaves ``modules.json`` and the folders it names out, as BioLORD-2023-C does.
        tokenizer: False leaves ``tokenizer.json`` out; ``vocab.txt`` stays, as in BioLORD-2023-C, or XLM-R's
            ``sentencepiece.bpe.model``.
        half: Whether the weights are stored as float16.
        prefix: Stands before every tensor's name, for example ``mpnet.``.
        output_hidden_states: The switch in ``config.json`` that BioLORD's have on.
        max_seq_length: The limit in ``sentence_bert_config.json``.
        seed: Of the weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if architecture == "modernbert" and sizes == SIZES:
        sizes = MODERN_SIZES
    write_tokenizer(folder, architecture)
    if not tokenizer:
        (folder / "tokenizer.json").unlink()
    _write_config(folder, architecture, sizes, output_hidden_states=output_hidden_states)
    _write_weights(folder, architecture, sizes, seed, prefix=prefix, half=half)
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": max_seq_length, "do_lower_case": False})
    if modules:
        _write_modules(folder, sizes.hidden, pooling, dense=dense, normalize=normalize)
    return folder


def _write_config(folder: Path, architecture: str, sizes: Sizes, *, output_hidden_states: bool) -> None:
    specials, pieces = SPECIALS[architecture], vocabulary(architecture)
    config: dict[str, object] = {
        "architectures": [_CLASSES[architecture]],
        "max_position_embeddings": sizes.positions,
        "model_type": architecture,
        "pad_token_id": pieces.index(specials.pad),
        "vocab_size": len(pieces),
        **_sizes(architecture, sizes),
    }
    if architecture == "mpnet":
        config |= {"bos_token_id": 0, "eos_token_id": 2, "relative_attention_num_buckets": 32}
    elif TOKEN_TYPES.get(architecture):
        config |= {"position_embedding_type": "absolute", "type_vocab_size": TOKEN_TYPES[architecture]}
    if architecture == "electra":
        config["embedding_size"] = sizes.embedding or sizes.hidden
    if output_hidden_states:
        config["output_hidden_states"] = True
    write_json(folder / "config.json", config)


def _sizes(architecture: str, sizes: Sizes) -> dict[str, object]:
    """Return what config.json says of layers, under the architecture's names."""
    if architecture == "distilbert":
        names = ("dim", "n_layers", "n_heads", "hidden_dim")
        return {"activation": "gelu", **dict(zip(names, _numbers(sizes), strict=True))}
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size")
    found: dict[str, object] = dict(zip(names, _numbers(sizes), strict=True))
    if architecture == "modernbert":
        return {"hidden_activation": "gelu", "norm_eps": EPSILON[architecture], "local_attention": WINDOW, **found}
    return {"hidden_act": "gelu", "layer_norm_eps": EPSILON[architecture], **found}


def _numbers(sizes: Sizes) -> tuple[int, int, int, int]:
    return sizes.hidden, sizes.layers, sizes.heads, sizes.inner


def _write_weights(folder: Path, architecture: str, sizes: Sizes, seed: int, *, prefix: str, half: bool) -> None:
    tensors = random_tensors(architecture, sizes, len(vocabulary(architecture)), seed)
    if half:
        tensors = {name: _half(values) for name, values in tensors.items()}
    named = {prefix + name: values for name, values in tensors.items()}
    save_file(named, folder / "model.safetensors", metadata={"format": "pt"})


def _half(values: NDArray[np.generic]) -> NDArray[np.generic]:
    return values.astype(np.float16) if values.dtype == np.float32 else values


def _write_modules(folder: Path, dim: int, pooling: str, *, dense: bool, normalize: bool) -> None:
    kinds = ["Transformer", "Pooling", *(["Dense"] if dense else []), *(["Normalize"] if normalize else [])]
    entries = [
        {
            "idx": index,
            "name": str(index),
            "path": f"{index}_{kind}" if index else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for index, kind in enumerate(kinds)
    ]
    write_json(folder / "modules.json", entries)
    switches = {key: mode == pooling for mode, key in _MODES.items()}
    write_json(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": dim, **switches, "pooling_mode_mean_sqrt_len_tokens": False},
    )
    if dense:
        _write_dense(folder / "2_Dense", dim)


def _write_dense(folder: Path, dim: int) -> None:
    activation = "torch.nn.modules.activation.Tanh"
    settings = {"in_features": dim, "out_features": dim, "bias": True, "activation_function": activation}
    write_json(folder / "config.json", settings)
    identity = {"linear.weight": np.eye(dim, dtype=np.float32), "linear.bias": np.zeros(dim, np.float32)}
    save_file(identity, folder / "model.safetensors", metadata={"format": "pt"})
