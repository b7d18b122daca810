"""Encoders with gated channels, and with projected embeddings, in whole numbers: from texts to vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biolord_export.calibration.collect import collect_statistics
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.head.pooling import Pooling
from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.kernels.graph import emit_integer_encoder
from biolord_export.quantize.integer.gated import order_gates
from biolord_export.quantize.integer.scheme import quantize_integer4, quantize_integer8
from biolord_export.quantize.smoothing import Smoothing
from parity.authored import cosines, open_graph, write_graph
from unit.export.kernels.test_graph import run

FAITHFUL = {8: 0.9995, 4: 0.96}
MEAN = Pooling("mean", normalize=False)
QUANTIZERS = {8: quantize_integer8, 4: quantize_integer4}


def texts(weights: EncoderWeights, count: int, seed: int) -> list[list[int]]:
    """Make up texts of any tokens."""
    random = np.random.default_rng(seed)
    return [random.integers(0, len(weights.word_embeddings), random.integers(3, 40)).tolist() for _ in range(count)]


@pytest.mark.parametrize("architecture", ["modernbert", "electra"])
def test_vectors_are_near_those_of_float32(request: pytest.FixtureRequest, tmp_path: Path, architecture: str) -> None:
    """On texts that calibration never saw, with weights of 8 bits and of 4."""
    checkpoint: Path = request.getfixturevalue(f"tiny_{architecture}")
    weights = read_weights(read_encoder_config(checkpoint), checkpoint / "model.safetensors")
    seen = [np.array(ids, dtype=np.int64) for ids in texts(weights, 60, 1)]
    statistics = collect_statistics(weights, seen)
    rows = texts(weights, 30, 2)
    exact = open_graph(tmp_path, write_graph(checkpoint, tmp_path)).alone(rows, "unit_embedding")
    for bits, quantize in QUANTIZERS.items():
        quantized = quantize(weights, statistics)
        folder = tmp_path / str(bits)
        folder.mkdir()
        graph = emit_integer_encoder(weights, quantized.encoder, MEAN, weights.max_positions).save(folder)
        assert cosines(run(graph, rows)[1], exact).min() > FAITHFUL[bits], bits
        assert [report.name for report in quantized.reports[:4]] == ["qkv", "attention_output", "fc1", "fc2"]
        assert max(report.error for report in quantized.reports) < {8: 1e-3, 4: 0.02}[bits]


def test_gates_are_smoothed_and_follow_their_channels() -> None:
    """What the product of a channel and its gate becomes is divided by the channel's factor, and by nothing else."""
    random = np.random.default_rng(3)
    inner = 384  # two groups
    fc1 = Linear(
        random.normal(size=(64, 2 * inner)).astype(np.float32), random.normal(size=2 * inner).astype(np.float32)
    )
    factor = random.uniform(0.5, 2, inner).astype(np.float32)
    order = random.permutation(inner)
    ordered = order_gates(fc1, Smoothing(np.zeros(inner, np.float32), factor, 0.5), order)
    x = random.normal(size=(5, 64)).astype(np.float32)
    channels, gates = np.split(x @ fc1.weight + fc1.bias, 2, axis=1)
    expected = (channels * gates / factor)[:, order]
    groups = np.split(x @ ordered.weight + ordered.bias, 2, axis=1)
    found = np.concatenate([np.multiply(*np.split(group, 2, axis=1)) for group in groups], axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)
