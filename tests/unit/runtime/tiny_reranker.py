"""A whole artifact that reranks: the compiled operators on two layers of made-up weights, and the tiny tokenizer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import onnx
from onnx import TensorProto

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.reranking import Reranking
from kernels.encoder import Encoder, Sizes
from kernels.pairs import PAIRS, Head, cross_model
from unit.runtime.compiled_artifact import DATA, SIZES, compiled_manifest, move_weights
from unit.runtime.tiny_artifact import INPUTS, tiny_tokenizer, write_manifest

FRAME = Reranking(prefix=(0,), middle=(2, 2), suffix=(2,), token_types=True, activation="sigmoid")


def reranker_model(sizes: Sizes = SIZES, seed: int = 1, *, typed: bool = True) -> onnx.ModelProto:
    """Build a graph whose inputs and output have the shapes that exports give them; its weights stand in it."""
    model = cross_model(Encoder.random(sizes, seed), Head.random(sizes.dim), typed=typed)
    del model.graph.input[:], model.graph.output[:]
    for name in PAIRS if typed else INPUTS:
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 1]))
    return model


def reranker_manifest(frame: Reranking = FRAME) -> Manifest:
    """Return a manifest that lists no files yet."""
    return replace(compiled_manifest(), name="tiny-reranker", reranking=frame)


def write_tiny_reranker(folder: Path, frame: Reranking = FRAME, *, typed: bool = True) -> Path:
    """Write a whole artifact and return its folder; ``typed`` if its graph takes token types."""
    model = reranker_model(typed=typed)
    folder.mkdir(parents=True)
    (folder / DATA).write_bytes(move_weights(model.graph.initializer))
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    tiny_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "NOTICE").write_text("Random numbers.\n", encoding="utf-8")
    write_manifest(folder, reranker_manifest(frame))
    return folder
