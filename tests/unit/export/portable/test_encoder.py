"""The whole portable graph: its signature, its operators, its vectors."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import ModelProto, helper

from biolord_export.calibration.collect import collect_statistics
from biolord_export.checkpoint.head.pooling import POOLING_MODES, Pooling
from biolord_export.checkpoint.weights import EncoderWeights
from biolord_export.errors import ExportError
from biolord_export.graph.builder import DATA_FILE, MODEL_FILE, GraphBuilder
from biolord_export.graph.encoder import emit_encoder
from biolord_export.portable.encoder import wrap_encoder
from biolord_export.portable.matching import match_weights
from biolord_export.portable.qdq import qdq_operators
from biolord_export.portable.standard import IR_VERSION, OPSET
from biolord_export.quantize.static8 import StaticEncoder, quantize_static8
from biolord_onnx.graph.check import check_graph
from biolord_onnx.graph.file import read_graph
from unit.export.graph.running import prefix_mask
from unit.export.portable.traced import traced_bert

MEAN = Pooling("mean", normalize=False)
IDS = np.array([[2, 9, 8, 14, 3], [2, 7, 3, 0, 0]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])
Float32 = NDArray[np.float32]


@pytest.fixture
def portable_int8(bert: EncoderWeights, traced: ModelProto, static8: StaticEncoder) -> GraphBuilder:
    """The quantized graph."""
    return wrap_encoder(traced, bert.dim, MEAN, match_weights(traced, qdq_operators(bert, static8)))


def vectors(
    graph: GraphBuilder, folder: Path, ids: NDArray[np.int64] = IDS, mask: NDArray[np.int64] = MASK
) -> list[Float32]:
    """Save a graph and compute both of its outputs."""
    session = onnxruntime.InferenceSession(graph.save(folder), providers=["CPUExecutionProvider"])
    found: list[Float32] = session.run(
        ["sentence_embedding", "unit_embedding"], {"input_ids": ids, "attention_mask": mask}
    )
    return found


@pytest.mark.parametrize("mode", POOLING_MODES)
@pytest.mark.parametrize("normalize", [True, False])
def test_float32_vectors_are_those_of_the_authored_graph(
    mode: str, bert: EncoderWeights, traced: ModelProto, tmp_path: Path, *, normalize: bool
) -> None:
    """Both roads agree for every pooling, on a padded batch."""
    pooling = Pooling(mode, normalize=normalize)
    authored = emit_encoder(bert, pooling).builder
    (tmp_path / "authored").mkdir()
    expected = vectors(authored, tmp_path / "authored")
    for found, exact in zip(vectors(wrap_encoder(traced, bert.dim, pooling, {}), tmp_path), expected, strict=True):
        np.testing.assert_allclose(found, exact, atol=1e-5)


def similarities(bert: EncoderWeights, int8: StaticEncoder, folder: Path, lengths: list[int]) -> Float32:
    """Compare the vectors of random texts with the float32 ones, by their cosines."""
    mask = prefix_mask(lengths)
    ids = np.random.default_rng(5).integers(5, len(bert.word_embeddings), mask.shape) * mask
    traced, units = traced_bert(bert), []
    for name, replaced in (("exact", {}), ("int8", match_weights(traced, qdq_operators(bert, int8)))):
        (folder / name).mkdir(exist_ok=True)
        units.append(vectors(wrap_encoder(traced, bert.dim, MEAN, replaced), folder / name, ids, mask)[1])
    return np.asarray(np.einsum("nd,nd->n", *units))


def test_int8_vectors_are_near_the_float32_ones(bert: EncoderWeights, static8: StaticEncoder, tmp_path: Path) -> None:
    """Folded and row grids fit together in the whole graph, whose table has 8 bits as well."""
    assert 0.999 < similarities(bert, static8, tmp_path, [4, 28, 12, 7]).min() < 0.999999


def test_strange_texts_come_nearer_where_calibration_knows_of_them(bert: EncoderWeights, tmp_path: Path) -> None:
    """A token that is a text of its own attends to itself alone, as no other does: wider grids reach it."""
    random = np.random.default_rng(1)
    texts = [random.integers(5, len(bert.word_embeddings), length) for length in random.integers(2, 30, 80)]
    statistics = collect_statistics(bert, texts)
    alone = [np.array([number]) for number in range(10, 30)]
    degenerate = collect_statistics(bert, alone[:5], alone)
    known = {place: replace(seen, degenerate=degenerate[place].degenerate) for place, seen in statistics.items()}
    ordinary, widened = quantize_static8(bert, statistics), quantize_static8(bert, known)
    losses = [1 - similarities(bert, each, tmp_path, [1] * 12).mean() for each in (ordinary, widened)]
    assert losses[1] < 0.7 * losses[0]
    assert similarities(bert, widened, tmp_path, [4, 28, 12, 7]).min() > 0.999


def test_the_signature_is_that_of_an_artifact(bert: EncoderWeights, traced: ModelProto, tmp_path: Path) -> None:
    """Two int64 inputs of free shape, though BERT's trace has three, and two float32 outputs of the encoder's width."""
    session = onnxruntime.InferenceSession(wrap_encoder(traced, bert.dim, MEAN, {}).save(tmp_path))
    free = ["batch", "sequence"]
    assert [(node.name, node.type, node.shape) for node in session.get_inputs()] == [
        ("input_ids", "tensor(int64)", free),
        ("attention_mask", "tensor(int64)", free),
    ]
    assert [(node.name, node.type, node.shape) for node in session.get_outputs()] == [
        ("sentence_embedding", "tensor(float)", ["batch", bert.dim]),
        ("unit_embedding", "tensor(float)", ["batch", bert.dim]),
    ]


def test_every_operator_is_a_standard_one(portable_int8: GraphBuilder, tmp_path: Path) -> None:
    """No node, import or function of the file names a domain but ONNX's own, at the stated version."""
    portable_int8.save(tmp_path)
    model = onnx.load(tmp_path / MODEL_FILE, load_external_data=False)
    assert {node.domain for node in model.graph.node} == {""}
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]
    assert (len(model.functions), model.ir_version) == (0, IR_VERSION)


def test_every_operator_is_listed(
    bert: EncoderWeights, traced: ModelProto, portable_int8: GraphBuilder, tmp_path: Path
) -> None:
    """The runtime refuses graphs with others."""
    for name, graph in (("fp32", wrap_encoder(traced, bert.dim, MEAN, {})), ("int8", portable_int8)):
        (tmp_path / name).mkdir()
        data = graph.save(tmp_path / name).read_bytes()
        check_graph(read_graph(data), name, {DATA_FILE: (tmp_path / name / DATA_FILE).stat().st_size})


def test_an_operator_of_another_domain_does_not_get_into_a_file(
    bert: EncoderWeights, traced: ModelProto, tmp_path: Path
) -> None:
    """A trace with one of onnxruntime's own operators fails at saving, and not on somebody's phone."""
    foreign = ModelProto()
    foreign.CopyFrom(traced)
    node = next(node for node in foreign.graph.node if node.op_type == "Erf")
    node.op_type, node.domain = "Gelu", "com.microsoft"
    graph = wrap_encoder(foreign, bert.dim, MEAN, {})
    with pytest.raises(onnx.checker.ValidationError, match=r"com\.microsoft"):
        graph.save(tmp_path)


def test_weights_lie_beside_the_graph_in_8_bits(
    bert: EncoderWeights, portable_int8: GraphBuilder, tmp_path: Path
) -> None:
    """No float32 matrix of a linear layer is left, and the graph file holds only what is small."""
    portable_int8.save(tmp_path)
    model = onnx.load(tmp_path / MODEL_FILE)
    matrices = {onnx.numpy_helper.to_array(tensor).shape for tensor in model.graph.initializer if tensor.data_type == 1}
    shapes = {linear.weight.shape for layer in bert.layers for linear in (layer.attention_output, layer.fc1, layer.fc2)}
    assert not matrices & {*shapes, bert.word_embeddings.shape}
    stored = (tmp_path / DATA_FILE).stat().st_size
    assert stored > sum(layer.fc1.weight.size + layer.fc2.weight.size for layer in bert.layers)


@pytest.mark.parametrize("lengths", [(1,), (3, 3), (7, 2, 5)])
def test_any_batch_shape_runs_and_padding_changes_nothing(
    lengths: tuple[int, ...], portable_int8: GraphBuilder, tmp_path: Path
) -> None:
    """A text's vector is the same alone and beside longer ones."""
    path = portable_int8.save(tmp_path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(5)
    texts = [random.integers(5, 40, length) for length in lengths]
    ids, mask = np.zeros((2, len(texts), max(lengths)), dtype=np.int64)
    for row, text in enumerate(texts):
        ids[row, : len(text)], mask[row, : len(text)] = text, 1
    together = session.run(["unit_embedding"], {"input_ids": ids, "attention_mask": mask})[0]
    for row, text in enumerate(texts):
        feed = {"input_ids": text[np.newaxis], "attention_mask": np.ones((1, len(text)), np.int64)}
        np.testing.assert_allclose(session.run(["unit_embedding"], feed)[0][0], together[row], atol=1e-5)


def test_an_input_that_nothing_determines_is_refused(bert: EncoderWeights, traced: ModelProto) -> None:
    """An architecture whose encoder asks for more than ids and mask isn't run with a guess."""
    asking = ModelProto()
    asking.CopyFrom(traced)
    asking.graph.input.append(helper.make_tensor_value_info("bbox", onnx.TensorProto.INT64, ["batch", "sequence", 4]))
    with pytest.raises(ExportError, match="asks for bbox, expected input_ids, attention_mask, token_type_ids at most"):
        wrap_encoder(asking, bert.dim, MEAN, {})
