"""The whole graph: its signature, what it shares, and where calibration looks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from biolord_export.checkpoint.head.pooling import Pooling
from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.graph.builder import DATA_FILE, MODEL_FILE
from biolord_export.graph.encoder import LINEAR_INPUTS, EncoderGraph, emit_encoder
from unit.export.graph.running import evaluate, prefix_mask

MEAN = Pooling("mean", normalize=False)
IDS = np.array([[0, 9, 8, 2], [0, 7, 2, 1]])
MASK = prefix_mask([4, 3])
FEED = {"input_ids": IDS, "attention_mask": MASK}


def emitted(weights: EncoderWeights, pooling: Pooling = MEAN) -> EncoderGraph:
    """Write the float32 graph."""
    return emit_encoder(weights, pooling)


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_the_signature_is_that_of_an_artifact(
    architecture: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Two int64 inputs of free shape, two float32 outputs of the encoder's width, and nothing else."""
    weights = request.getfixturevalue(architecture)
    session = onnxruntime.InferenceSession(emitted(weights).builder.save(tmp_path))
    given = [(node.name, node.type, node.shape) for node in session.get_inputs()]
    yielded = [(node.name, node.type, node.shape) for node in session.get_outputs()]
    free = ["batch", "sequence"]
    assert given == [("input_ids", "tensor(int64)", free), ("attention_mask", "tensor(int64)", free)]
    assert yielded == [
        ("sentence_embedding", "tensor(float)", ["batch", weights.dim]),
        ("unit_embedding", "tensor(float)", ["batch", weights.dim]),
    ]


def test_the_graph_file_has_no_weights_in_it(mpnet: EncoderWeights, tmp_path: Path) -> None:
    """All but shapes, indices and short vectors stands in the data file."""
    emitted(mpnet).builder.save(tmp_path)
    model = onnx.load(tmp_path / MODEL_FILE, load_external_data=False)
    inline = sum(len(tensor.raw_data) for tensor in model.graph.initializer)
    parameters = sum(array.nbytes for layer in mpnet.layers for array in (layer.qkv.weight, layer.fc1.weight))
    assert inline < 20_000
    assert (tmp_path / DATA_FILE).stat().st_size > parameters + mpnet.word_embeddings.nbytes


def test_no_weight_is_written_twice(mpnet: EncoderWeights, tmp_path: Path) -> None:
    """Layers with equal weights, as some small models have, share them in the file."""
    twice = replace(mpnet, layers=(mpnet.layers[0],) * 2)
    for name, weights in (("one", replace(mpnet, layers=mpnet.layers[:1])), ("two", twice)):
        (tmp_path / name).mkdir()
        emitted(weights).builder.save(tmp_path / name)
    assert (tmp_path / "one" / DATA_FILE).read_bytes() == (tmp_path / "two" / DATA_FILE).read_bytes()


def test_the_bias_is_computed_once_for_all_layers(mpnet: EncoderWeights, tmp_path: Path) -> None:
    """Every attention node reads the same bias; BERT's have none."""
    emitted(mpnet).builder.save(tmp_path)
    nodes = onnx.load(tmp_path / MODEL_FILE, load_external_data=False).graph.node
    attention = [node for node in nodes if node.op_type == "MultiHeadAttention"]
    assert len(attention) == len(mpnet.layers)
    assert len({node.input[5] for node in attention}) == 1


def test_both_outputs_are_unit_vectors_if_the_checkpoint_normalizes(mpnet: EncoderWeights) -> None:
    """With a Normalize module sentence-transformers yields unit vectors, so both outputs are the same."""
    raw, raw_unit = evaluate(emitted(mpnet).builder, FEED, "sentence_embedding", "unit_embedding")
    normal, unit = evaluate(
        emitted(mpnet, Pooling("mean", normalize=True)).builder, FEED, "sentence_embedding", "unit_embedding"
    )
    np.testing.assert_array_equal(normal, unit)
    np.testing.assert_array_equal(unit, raw_unit)
    np.testing.assert_allclose(np.linalg.norm(unit, axis=1), 1, atol=1e-6)
    assert (np.linalg.norm(raw, axis=1) > 2).all()


def test_poolings_give_different_vectors(mpnet: EncoderWeights) -> None:
    """The mode that the module list names is the one in the graph."""
    mean, cls = (
        evaluate(emitted(mpnet, Pooling(mode, normalize=False)).builder, FEED, "sentence_embedding")[0]
        for mode in ("mean", "cls")
    )
    assert np.abs(mean - cls).max() > 0.1


def test_taps_are_the_inputs_of_the_linear_layers(mpnet: EncoderWeights) -> None:
    """Multiplying a tap with its layer's weights gives what the next tap follows from."""
    graph = emitted(mpnet)
    assert set(graph.taps) == {(number, name) for number in range(len(mpnet.layers)) for name in LINEAR_INPUTS}
    taps = dict(zip(graph.taps, evaluate(graph.builder, FEED, *graph.taps.values()), strict=True))
    for (number, name), values in taps.items():
        linear: Linear = getattr(mpnet.layers[number], name)
        rows = MASK.size if name == "attention_output" else MASK.sum()
        assert values.shape == (rows, linear.weight.shape[0])
    for number, layer in enumerate(mpnet.layers):
        inner = taps[number, "fc1"] @ layer.fc1.weight + layer.fc1.bias
        # GELU is x for large x and 0 for very negative x.
        np.testing.assert_allclose(taps[number, "fc2"][inner > 6], inner[inner > 6], rtol=1e-4)
        np.testing.assert_allclose(taps[number, "fc2"][inner < -6], 0, atol=1e-4)
