"""A whole artifact of a few kilobytes: real graph with external data, real tokenizer, real manifest.

The graph looks tokens up, takes their masked mean and that mean's L2 norm: a sentence encoder without layers.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from biolord_onnx.artifact.manifest import (
    BatchInvariance,
    FileEntry,
    Manifest,
    MaxLength,
    Requirements,
    Source,
)

DIM = 8
MAX_LENGTH = 16
PAD_ID = 1
INPUTS = ("input_ids", "attention_mask")
SPECIALS = ("<s>", "<pad>", "</s>", "[UNK]", "<mask>")
WORDS = ("cat", "dog", "scratch", "bite", "fever", "heart", "##itis", "##ology", "injury", "of", "the")
VOCABULARY = (
    *SPECIALS,
    *WORDS,
    *string.ascii_lowercase,
    *string.digits,
    *string.punctuation,
    *(f"##{letter}" for letter in string.ascii_lowercase + string.digits),
)


def tiny_tokenizer() -> Tokenizer:
    """Build a WordPiece tokenizer in MPNet's manner: ``<s>`` text ``</s>``."""
    vocabulary = {token: index for index, token in enumerate(VOCABULARY)}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens(list(SPECIALS))
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def tiny_table(dim: int = DIM, vocabulary: int = len(VOCABULARY)) -> NDArray[np.float32]:
    """Return the embedding table float32 [vocabulary, dim]."""
    return np.random.default_rng(7).normal(size=(vocabulary, dim)).astype(np.float32)


def tiny_model(
    table: NDArray[np.float32],
    *,
    location: str = "model.onnx.data",
    outputs: Sequence[str] = ("sentence_embedding", "unit_embedding"),
) -> onnx.ModelProto:
    """Build the graph; its table stands in the external file ``location``."""
    weights = numpy_helper.from_array(table, "table")
    onnx.external_data_helper.set_external_data(weights, location, offset=0, length=table.nbytes)
    weights.ClearField("raw_data")
    axis = numpy_helper.from_array(np.array([1], dtype=np.int64), "axis")
    raw, unit = outputs
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["hidden"]),
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["mask_row"]),
        # A matmul per text: ReduceSum adds in another order for one text than for several.
        helper.make_node("MatMul", ["mask_row", "hidden"], ["sum_row"]),
        helper.make_node("Squeeze", ["sum_row", "axis"], ["sum"]),
        helper.make_node("ReduceSum", ["mask", "axis"], ["count"], keepdims=1),
        helper.make_node("Div", ["sum", "count"], [raw]),
        helper.make_node("ReduceL2", [raw, "axis"], ["length"], keepdims=1),
        helper.make_node("Div", [raw, "length"], [unit]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in INPUTS],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", table.shape[1]]) for name in outputs],
        [weights, axis],
    )
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 18)])


def tiny_manifest(dim: int = DIM) -> Manifest:
    """Return a valid manifest that lists no files yet."""
    return Manifest(
        name="tiny-cpu-fp32",
        target="cpu-fp32",
        architecture="mpnet",
        dim=dim,
        max_length=MaxLength(MAX_LENGTH, "sentence_bert_config.json"),
        pooling="mean",
        normalized=False,
        pad_id=PAD_ID,
        source=Source("example/tiny", None, {"model.safetensors": "0" * 64}),
        quantization={"scheme": "none", "error": 0.25, "layers": {"kept": 0}},
        fidelity={"passed": True, "cosine": {"mean": 1.0}},
        batch_invariance=BatchInvariance(0.0, "same kernel for every row"),
        files=(),
        requires=Requirements("1.20", ()),
        golden=None,
        tools={"biolord-onnx": "0.1.0"},
        created="2026-11-22T12:00:00+00:00",
        license="Apache-2.0, random numbers",
    )


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write a manifest that lists every other file of the folder with its right hash and size."""
    files = tuple(
        FileEntry(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.name != "manifest.json"
    )
    text = replace(manifest, files=files).to_json()
    (folder / "manifest.json").write_text(text, encoding="utf-8")


def write_tiny_artifact(folder: Path, manifest: Manifest | None = None) -> Path:
    """Write a whole artifact and return its folder."""
    manifest = manifest or tiny_manifest()
    table = tiny_table(manifest.dim)
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(tiny_model(table).SerializeToString())
    (folder / "model.onnx.data").write_bytes(table.tobytes())
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "NOTICE").write_text("Random numbers.\n", encoding="utf-8")
    write_manifest(folder, manifest)
    return folder


def edit_manifest(folder: Path, *path: str | int, value: object) -> None:
    """Set one member of ``manifest.json``, found by keys and list positions, and leave the rest as it is."""
    file = folder / "manifest.json"
    document = json.loads(file.read_text(encoding="utf-8"))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    file.write_text(json.dumps(document), encoding="utf-8")


def flip(path: Path, at: int) -> None:
    """Change one bit of a file."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
