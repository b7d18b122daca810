"""Module lists of tiny checkpoints, as the majors of sentence-transformers wrote them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from tiny.settings import POOLING, Edit, in_turn, put
from tiny.tokenizer import write_json
from tiny.weights import Sizes

DIM = Sizes().hidden
TORCH = "torch.nn.modules.activation."
PLACES = {
    "Transformer": "base.modules.transformer",
    "Dense": "base.modules.dense",
    "Pooling": "sentence_transformer.modules.pooling",
    "Normalize": "sentence_transformer.modules.normalize",
    "Dropout": "sentence_transformer.modules.dropout",
    "LayerNorm": "sentence_transformer.modules.layer_norm",
}
"""Where each class stands since version 5.4."""
SWITCHES_2_0 = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
SWITCHES_2_3 = (*SWITCHES_2_0, "weightedmean_tokens", "lasttoken")


def listed(*kinds: str, since: float = 2) -> Edit:
    """Write modules.json: Transformer, Pooling, and what follows."""

    def edit(folder: Path) -> None:
        entries = [
            {
                "idx": number,
                "name": str(number),
                "path": "" if kind == "Transformer" else f"{number}_{kind}",
                "type": f"sentence_transformers.{PLACES[kind]}.{kind}"
                if since >= 5.4
                else f"sentence_transformers.models.{kind}",
            }
            for number, kind in enumerate(("Transformer", "Pooling", *kinds))
        ]
        write_json(folder / "modules.json", entries)

    return edit


def switched(*on: str, names: tuple[str, ...] = SWITCHES_2_3, **more: object) -> Edit:
    """Write the pooling's file as versions 2 to 5.3 did: a switch for each mode."""
    switches = {f"pooling_mode_{name}": name in on for name in names}
    return lambda folder: write_json(folder / POOLING, {"word_embedding_dimension": DIM, **switches, **more})


def named(*modes: str, **more: object) -> Edit:
    """Write the pooling's file as versions since 5.4 do: a mode, or several."""
    mode = modes[0] if len(modes) == 1 else modes
    return lambda folder: write_json(
        folder / POOLING, {"embedding_dimension": DIM, "pooling_mode": mode, "include_prompt": True, **more}
    )


def dense(place: str, sizes: tuple[int, int], activation: str = f"{TORCH}Tanh", **more: object) -> Edit:
    """Write a Dense module with seeded weights; ``bias=False`` leaves its bias out."""

    def edit(folder: Path) -> None:
        inputs, outputs = sizes
        values = {"in_features": inputs, "out_features": outputs, "bias": True, "activation_function": activation}
        write_json(folder / place / "config.json", {**values, **more})
        random = np.random.default_rng(len(activation) + outputs)
        tensors = {"linear.weight": random.normal(0, inputs**-0.5, (outputs, inputs)).astype(np.float32)}
        if more.get("bias", True):
            tensors["linear.bias"] = random.normal(0, 0.3, outputs).astype(np.float32)
        save_file(tensors, folder / place / "model.safetensors", metadata={"format": "pt"})

    return edit


def dropout(place: str) -> Edit:
    """Write a Dropout module."""
    return put(f"{place}/config.json", dropout=0.5)


def activated(*names: str, module: str = TORCH) -> Edit:
    """Give the checkpoint a Dense module with each of some activations."""
    sizes = zip((DIM, 48), (48, 40), strict=True)
    modules = [
        dense(f"{number}_Dense", size, f"{module}{name}")
        for number, (name, size) in enumerate(zip(names, sizes, strict=False), start=2)
    ]
    return in_turn(listed(*["Dense"] * len(names)), *modules)


def half_precision(folder: Path) -> None:
    """Store the weights as bfloat16, which drops the lower halves of their numbers."""
    rewrite(folder, lambda tensors: tensors, "BF16")


def sharded(folder: Path) -> None:
    """Split the weights into two files and an index, as transformers does beyond 5 GB."""
    from safetensors.numpy import load_file

    path = folder / "model.safetensors"
    tensors = load_file(path)
    names = sorted(tensors)
    parts = {
        f"model-0000{number}-of-00002.safetensors": {name: tensors[name] for name in some}
        for number, some in ((1, names[::2]), (2, names[1::2]))
    }
    for name, part in parts.items():
        save_file(part, folder / name, metadata={"format": "pt"})
    places = {tensor: name for name, part in parts.items() for tensor in part}
    write_json(folder / "model.safetensors.index.json", {"metadata": {"total_size": 1}, "weight_map": places})
    path.unlink()


def rewrite(folder: Path, change: object, kind: str = "F32") -> None:
    """Write the weights anew, byte by byte, so that any number format can be had."""
    from safetensors.numpy import load_file

    path = folder / "model.safetensors"
    tensors = change(load_file(path)) if callable(change) else {}
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    parts: list[bytes] = []
    for name, values in tensors.items():
        whole = values.dtype != np.float32
        data = values.tobytes() if whole or kind == "F32" else _upper_halves(values)
        start = sum(map(len, parts))
        header[name] = {
            "dtype": "I64" if whole else kind,
            "shape": list(values.shape),
            "data_offsets": [start, start + len(data)],
        }
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"".join(parts))


def _upper_halves(values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bytes:
    return (np.ascontiguousarray(values).view(np.uint32) >> 16).astype("<u2").tobytes()


def grown(folder: Path) -> None:
    """Give two more tokens vectors, as whoever adds tokens does before training."""

    def change(tensors: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]) -> dict[str, object]:
        table = tensors["embeddings.word_embeddings.weight"]
        more = np.random.default_rng(4).normal(0, 1, (2, table.shape[1])).astype(np.float32)
        return {**tensors, "embeddings.word_embeddings.weight": np.concatenate([table, more])}

    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["vocab_size"]
    rewrite(folder, change)
    put("config.json", vocab_size=size + 2)(folder)


def old_names(folder: Path) -> None:
    """Name the normalizations' tensors as TensorFlow did."""

    def change(tensors: dict[str, object]) -> dict[str, object]:
        return {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): values
            for name, values in tensors.items()
        }

    rewrite(folder, change)


def without_pooler(folder: Path) -> None:
    """Leave the pooler out, which no vector needs."""
    rewrite(folder, lambda tensors: {name: values for name, values in tensors.items() if "pooler" not in name})


def inside_another(folder: Path) -> None:
    """Save the encoder inside a bigger model, with a head that is tied to its embeddings."""

    def change(tensors: dict[str, object]) -> dict[str, object]:
        architecture = json.loads((folder / "config.json").read_text(encoding="utf-8"))["model_type"]
        prefix = {"xlm-roberta": "roberta"}.get(architecture, architecture)
        tied = tensors["embeddings.word_embeddings.weight"]
        return {f"{prefix}.{name}": values for name, values in tensors.items()} | {"lm_head.decoder.weight": tied}

    rewrite(folder, change)
