"""The portable targets, traced from real weights: right in onnxruntime, on OpenVINO, and in WebAssembly under Node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.corpus import builtin_verification
from biolord_export.demo.models import reference_model
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.session.engine import import_onnxruntime
from biolord_onnx.tokenizer.tokenizer import Tokenizer
from golden.store import MODELS, Golden, load_golden
from portable import on_openvino
from portable.environments import NODE_FOLDER, interpreter, node, run
from real.conftest import Drafts

pytestmark = pytest.mark.real

SAMPLES = {"names": 20, "passages": 15, "general": 6}
"""One in so many of the texts that exports are verified on."""
MEAN_COSINE = 0.985
EXACT = 1e-5
AS_FAITHFUL = 0.0005
"""OpenVINO's mean cosine to float32 may differ by that from the CPU provider's."""

Vectors = NDArray[np.float32]


@pytest.fixture(scope="module", params=MODELS)
def golden(request: pytest.FixtureRequest) -> Golden:
    """The vectors that sentence-transformers gave, with their texts' token ids."""
    return load_golden(request.param)


def unit(vectors: Vectors) -> Vectors:
    """Scale to length 1."""
    scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return scaled


def cosines(a: Vectors, b: Vectors) -> Vectors:
    """Compare unit vectors row by row."""
    products: Vectors = np.einsum("nd,nd->n", a, b)
    return products


def on_cpu(folder: Path, texts: Sequence[NDArray[np.int64]]) -> Vectors:
    """Compute unit vectors with onnxruntime's CPU provider."""
    session = import_onnxruntime().InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    feeds = [{"input_ids": ids[np.newaxis], "attention_mask": np.ones((1, len(ids)), np.int64)} for ids in texts]
    return np.concatenate([session.run(["unit_embedding"], feed)[0] for feed in feeds])


def test_float32_vectors_are_sentence_transformers(drafts: Drafts, golden: Golden) -> None:
    """Another road from the same checkpoint to the same vectors, longest text and odd characters included."""
    found = on_cpu(drafts(golden.model) / "fp32", golden.token_ids)
    np.testing.assert_allclose(found, unit(golden.vectors), atol=EXACT)


def test_int8_vectors_are_near_on_texts_of_every_kind(drafts: Drafts, golden: Golden) -> None:
    """Mean cosine to float32 over names, passages and other text, though only a few texts fixed the scales."""
    checkpoint = open_checkpoint(str(reference_model(golden.model)))
    tokenizer = Tokenizer.from_json(checkpoint.tokenizer_json)
    for kind, texts in builtin_verification().items():
        some = tokenizer.tokenize(texts[:: SAMPLES[kind]], checkpoint.max_length.value).ids
        ids = [np.array(one, dtype=np.int64) for one in some]
        found = cosines(*(on_cpu(drafts(golden.model) / name, ids) for name in ("fp32", "int8")))
        assert found.mean() > MEAN_COSINE, (kind, found.mean(), found.min())


def test_every_operator_of_both_graphs_is_a_standard_one(drafts: Drafts, golden: Golden) -> None:
    """What optimum really traces has no other domain in it either, and the graph file no weights."""
    for name in ("fp32", "int8"):
        path = drafts(golden.model) / name / "model.onnx"
        model = onnx.load(path, load_external_data=False)
        assert {node.domain for node in model.graph.node} | {entry.domain for entry in model.opset_import} == {""}
        assert path.stat().st_size < 1_000_000


def test_int8_linear_layers_are_multiplied_in_integers(drafts: Drafts, golden: Golden, tmp_path: Path) -> None:
    """Onnxruntime's CPU provider finds every pair of Quantize and Dequantize: none is left to be computed in float."""
    onnxruntime = import_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    onnxruntime.InferenceSession(drafts(golden.model) / "int8" / "model.onnx", options)
    kinds = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx", load_external_data=False).graph.node]
    assert "DequantizeLinear" not in kinds
    assert kinds.count("MatMulIntegerToFloat") >= kinds.count("LayerNormalization") // 2 * 6


def test_openvino_runs_every_node_and_agrees(drafts: Drafts, golden: Golden, tmp_path: Path) -> None:
    """OpenVINO takes both graphs whole, and yields what sentence-transformers and the CPU provider do."""
    folders = [drafts(golden.model) / name for name in ("fp32", "int8")]
    request, output = tmp_path / "request.json", tmp_path / "vectors.npz"
    texts = [ids.tolist() for ids in golden.token_ids]
    request.write_text(json.dumps({"folders": list(map(str, folders)), "texts": texts, "output": str(output)}))
    run([interpreter("portable"), on_openvino.__file__, request])
    with np.load(output) as found:
        np.testing.assert_allclose(found["arr_0"], unit(golden.vectors), atol=EXACT)
        assert cosines(found["arr_1"], on_cpu(folders[1], golden.token_ids)).min() > 0.995


def test_openvino_is_as_faithful_as_the_cpu(drafts: Drafts, golden: Golden, tmp_path: Path) -> None:
    """On what exports are verified on: names, passages and other text."""
    checkpoint = open_checkpoint(str(reference_model(golden.model)))
    tokenizer = Tokenizer.from_json(checkpoint.tokenizer_json)
    some = [text for kind, texts in builtin_verification().items() for text in texts[:: SAMPLES[kind]]]
    ids = [np.array(one, dtype=np.int64) for one in tokenizer.tokenize(some, checkpoint.max_length.value).ids]
    plain, rounded = (drafts(golden.model) / name for name in ("fp32", "int8"))
    request, output = tmp_path / "request.json", tmp_path / "vectors.npz"
    asked = {"folders": [str(rounded)], "texts": [one.tolist() for one in ids], "output": str(output)}
    request.write_text(json.dumps(asked))
    run([interpreter("portable"), on_openvino.__file__, request])
    exact, cpu = on_cpu(plain, ids), on_cpu(rounded, ids)
    with np.load(output) as found:
        assert abs(cosines(found["arr_0"], exact).mean() - cosines(cpu, exact).mean()) <= AS_FAITHFUL


def test_compilers_of_whole_graphs_can_read_them(drafts: Drafts, golden: Golden) -> None:
    """What TensorRT, its RTX plugin and the like ask for: strict inference finds the type and shape of every value."""
    for name in ("fp32", "int8"):
        path = drafts(golden.model) / name / "model.onnx"
        onnx.checker.check_model(path, full_check=True)
        graph = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True).graph
        shaped = {value.name for value in graph.value_info if value.type.tensor_type.HasField("shape")}
        computed = {value for node in graph.node for value in node.output} - {value.name for value in graph.output}
        assert computed <= shaped, sorted(computed - shaped)
        kinds = {node.op_type for node in graph.node}
        assert not kinds & {"NonZero", "Loop", "If", "Scan"}, "shapes or steps that follow from values"


def test_openvino_leaves_no_node_to_the_cpu(tmp_path: Path) -> None:
    """A graph with an operator that it hasn't is an error, and not run in two halves."""
    nodes = [
        helper.make_node("Cast", ["input_ids"], ["words"], to=TensorProto.INT32),
        helper.make_node("MurmurHash3", ["words"], ["hashes"], domain="com.microsoft"),
        helper.make_node("Cast", ["hashes"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Relu", ["floats"], ["unit_embedding"]),
    ]
    shape = ["batch", "sequence"]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, shape)
    out = helper.make_tensor_value_info("unit_embedding", TensorProto.FLOAT, shape)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    onnx.save(
        helper.make_model(helper.make_graph(nodes, "hash", [ids], [out]), opset_imports=opsets, ir_version=8),
        tmp_path / "model.onnx",
    )
    request = tmp_path / "request.json"
    request.write_text(json.dumps({"folders": [str(tmp_path)], "texts": [[1, 2]], "output": str(tmp_path / "o.npz")}))
    with pytest.raises(RuntimeError, match="fallback to CPU EP has been explicitly disabled"):
        run([interpreter("portable"), on_openvino.__file__, request])


THREADS = """
import os, sys
from biolord_onnx import Embedder
before = len(os.listdir("/proc/self/task"))
for _ in range(2):
    Embedder.load(sys.argv[1], provider="openvino", threads=int(sys.argv[2])).encode(["cat scratch"] * 4)
print(len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.parametrize(("name", "least"), [("fp32", 0.99999), ("int8", MEAN_COSINE)])
def test_a_browser_gets_the_same_vectors(name: str, least: float, drafts: Drafts, tmp_path: Path) -> None:
    """onnxruntime-web's WebAssembly, under Node, loads the small model with its weights beside it."""
    golden = load_golden("all-minilm-l6-v2")
    folder, request = drafts(golden.model) / name, tmp_path / "request.json"
    request.write_text(json.dumps({"folder": str(folder), "texts": [ids.tolist() for ids in golden.token_ids]}))
    found = np.array(json.loads(run([node(), NODE_FOLDER / "vectors.mjs", request])), dtype=np.float32)
    assert cosines(found, unit(golden.vectors)).mean() > least
    assert cosines(found, on_cpu(folder, golden.token_ids)).min() > 0.995


def test_an_exported_artifact_runs_on_openvino(tiny_mpnet: Path, tmp_path: Path) -> None:
    """The commands, from a checkpoint to vectors: exported with optimum, embedded on OpenVINO, as on the CPU."""
    out = tmp_path / "tiny-portable"
    command = ("-m", "biolord_onnx.cli.main")
    options = ["--target", "portable-int8", "--accept-below-gate"]
    run([interpreter("oracle"), *command, "export", tiny_mpnet, out, *options])
    manifest = open_artifact(out).manifest
    assert (manifest.target, manifest.fidelity is not None) == ("portable-int8", True)
    rows = [
        run([interpreter(place), *command, "embed", out, "cat scratch", "fever", "--provider", provider])
        for place, provider in (("oracle", "cpu"), ("portable", "openvino"))
    ]
    cpu, other = (np.array([json.loads(line)["embedding"] for line in text.splitlines()]) for text in rows)
    assert cosines(unit(cpu), unit(other)).min() > 0.999
    one, four = (int(run([interpreter("portable"), "-c", THREADS, out, str(count)])) for count in (1, 4))
    assert one < four, "the number of threads doesn't reach OpenVINO"
