"""A whole artifact on the compiled operators: two layers of made-up weights, and the tiny artifact's tokenizer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import TensorProto

from biolord_onnx.artifact.manifest import Manifest, Requirements
from kernels.encoder import Encoder, Sizes, whole_model
from unit.runtime.tiny_artifact import INPUTS, MAX_LENGTH, VOCABULARY, tiny_manifest, tiny_tokenizer, write_manifest

DATA = "model.onnx.data"
SIZES = Sizes(vocabulary=len(VOCABULARY), positions=MAX_LENGTH)
OPERATORS = {"biolord": 1}
_ALIGNMENT = 64


def compiled_model(sizes: Sizes = SIZES, seed: int = 1) -> onnx.ModelProto:
    """Build a graph whose inputs and outputs have the shapes that exports give them; its weights stand in it."""
    return declare_shapes(whole_model(Encoder.random(sizes, seed)), sizes.dim)


def declare_shapes(model: onnx.ModelProto, dim: int) -> onnx.ModelProto:
    """Give a graph's inputs and outputs the shapes that exports give them."""
    del model.graph.input[:], model.graph.output[:]
    for name in INPUTS:
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]))
    for name in ("sentence_embedding", "unit_embedding"):
        model.graph.output.append(onnx.helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", dim]))
    return model


def move_weights(tensors: Iterable[TensorProto]) -> bytes:
    """Have tensors stand in a file; return what it holds."""
    data = bytearray()
    for tensor in tensors:
        raw = tensor.raw_data
        data += bytes(-len(data) % _ALIGNMENT)
        onnx.external_data_helper.set_external_data(tensor, DATA, offset=len(data), length=len(raw))
        tensor.ClearField("raw_data")
        data += raw
    return bytes(data)


def compiled_manifest(sizes: Sizes = SIZES) -> Manifest:
    """Return a manifest that lists no files yet."""
    return replace(
        tiny_manifest(sizes.dim),
        name="tiny-cpu-int8",
        target="cpu-int8",
        requires=Requirements("1.25.0", (), OPERATORS),
    )


def write_compiled_artifact(folder: Path, sizes: Sizes = SIZES, model: onnx.ModelProto | None = None) -> Path:
    """Write a whole artifact and return its folder."""
    model = compiled_model(sizes) if model is None else model
    folder.mkdir(parents=True)
    (folder / DATA).write_bytes(move_weights(model.graph.initializer))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "NOTICE").write_text("Random numbers.\n", encoding="utf-8")
    write_manifest(folder, compiled_manifest(sizes))
    return folder
