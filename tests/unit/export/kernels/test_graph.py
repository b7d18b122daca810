"""The graph of compiled operators: its file, and the vectors it gives on the plain kind and on the best."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.head.dense import Dense
from biolord_export.checkpoint.head.pooling import POOLING_MODES, Normalize, Pooling
from biolord_export.checkpoint.weights import EncoderWeights, Linear
from biolord_export.graph.encoder import emit_encoder
from biolord_export.kernels.graph import emit_integer_encoder
from biolord_onnx.session import kernels
from kernels.running import use
from parity.authored import SENTENCE, UNIT, cosines, open_graph
from parity.reference import unit
from tiny.checkpoint import SIZES
from unit.export.kernels.rounding import round_encoder, rounded_weights

Float32 = NDArray[np.float32]
LONGEST = SIZES.positions - 2
MEAN = Pooling("mean", normalize=False)
ARCHITECTURES = ("mpnet", "bert", "xlm-roberta", "distilbert", "electra", "modernbert")
OPERATORS = {
    "electra": (["Embed", "Project"], ["Attention", "FeedForward"], ["Pool"]),
    "modernbert": (["EmbedTokens"], ["RotaryAttention", "GatedFeedForward"], ["LayerNorm", "Pool"]),
}
FAITHFUL = 0.999
"""The lowest cosine that rounding activations of random weights, and the token table, leaves."""
PAD, FIRST = 1, 2
ROWS = [[0, 9, 8, 7, 2], [5], [0, PAD, 9, PAD, 30, 31, 2], [PAD, PAD], list(range(2, 2 + LONGEST)), [0, 2]]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def checkpoint(request: pytest.FixtureRequest) -> Path:
    """Each tiny checkpoint."""
    folder: Path = request.getfixturevalue(f"tiny_{request.param}")
    return folder


@pytest.fixture(scope="module")
def weights(checkpoint: Path) -> EncoderWeights:
    """Its weights."""
    return read_weights(read_encoder_config(checkpoint), checkpoint / "model.safetensors")


def written(
    weights: EncoderWeights, folder: Path, bits: int = 8, pooling: Pooling = MEAN, longest: int = LONGEST
) -> Path:
    """Write a graph of the encoder rounded to the nearest."""
    folder.mkdir(exist_ok=True)
    return emit_integer_encoder(weights, round_encoder(weights, bits), pooling, longest).save(folder)


def run(path: Path, rows: Sequence[Sequence[int]], kind: str = "plain") -> tuple[Float32, Float32]:
    """Encode texts in one batch on a kind of kernels: both outputs."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    kernels.register(options)
    use(kind)
    try:
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    finally:
        use(kernels.available()[0])
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)], mask[number, : len(row)] = row, 1
    sentence, length_1 = session.run(
        ["sentence_embedding", "unit_embedding"], {"input_ids": ids, "attention_mask": mask}
    )
    return sentence, length_1


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("mode", POOLING_MODES)
def test_vectors_are_those_of_a_float32_encoder_with_the_same_weights(
    weights: EncoderWeights, tmp_path: Path, bits: int, mode: str
) -> None:
    """But for the rounding of activations; any length, padding tokens spelled out in a text, every pooling."""
    pooling = Pooling(mode, normalize=False)
    sentence, length_1 = run(written(weights, tmp_path, bits, pooling), ROWS)
    (tmp_path / "float32").mkdir()
    emit_encoder(rounded_weights(weights, bits), pooling).builder.save(tmp_path / "float32")
    exact = open_graph(tmp_path / "float32", weights.pad_id).alone(ROWS)
    assert cosines(sentence, exact).min() > FAITHFUL
    np.testing.assert_allclose(np.linalg.norm(sentence, axis=1), np.linalg.norm(exact, axis=1), rtol=0.02)
    np.testing.assert_allclose(length_1, [unit(vector.astype(np.float64)) for vector in sentence], atol=1e-6)


@pytest.mark.parametrize("normalize", [False, True])
def test_the_sentence_s_vector_has_length_1_where_the_checkpoint_s_has(
    weights: EncoderWeights, tmp_path: Path, *, normalize: bool
) -> None:
    """Both outputs are the same numbers then."""
    sentence, length_1 = run(written(weights, tmp_path, pooling=Pooling("mean", normalize)), ROWS)
    assert np.array_equal(sentence, length_1) is normalize


def head_of(dim: int, place: Path) -> Pooling:
    """Two poolings joined, a layer, length 1, a layer, length 1 again and a cut."""
    random = np.random.default_rng(6)
    sizes = (("Tanh", 2 * dim, 40), ("Identity", 40, 21))
    first, second = (
        Dense(
            Linear(
                random.normal(0, inputs**-0.5, (inputs, outputs)).astype(np.float32),
                random.normal(0, 0.1, outputs).astype(np.float32),
            ),
            activation,
            place,
        )
        for activation, inputs, outputs in sizes
    )
    return Pooling("cls+max", normalize=True, steps=(first, Normalize(), second), cut=18)


def test_modules_behind_the_pooling_are_those_of_the_float32_graph(weights: EncoderWeights, tmp_path: Path) -> None:
    """On operators of our own, in the same order; both outputs are cut."""
    pooling = head_of(weights.dim, tmp_path)
    found = run(written(weights, tmp_path, pooling=pooling), ROWS)
    (tmp_path / "float32").mkdir()
    emit_encoder(rounded_weights(weights, 8), pooling).builder.save(tmp_path / "float32")
    graph = open_graph(tmp_path / "float32", weights.pad_id)
    for vectors, output in zip(found, (SENTENCE, UNIT), strict=True):
        assert vectors.shape == (len(ROWS), 18)
        np.testing.assert_allclose(vectors, graph.alone(ROWS, output), atol=0.05)
    assert not np.array_equal(*found)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("whole", [True, False])
def test_every_kind_gives_the_bits_of_the_plain_one(
    weights: EncoderWeights, tmp_path: Path, bits: int, *, whole: bool
) -> None:
    """On a real architecture's graph, alone and in a batch; with modules behind the pooling, too."""
    path = written(weights, tmp_path, bits, MEAN if whole else head_of(weights.dim, tmp_path))
    plain = run(path, ROWS)
    for kind in kernels.available():
        together = run(path, ROWS, kind)
        assert [values.tobytes() for values in together] == [values.tobytes() for values in plain], kind
        for row, vector in zip(ROWS, plain[0], strict=True):
            assert run(path, [row], kind)[0][0].tobytes() == vector.tobytes(), kind


def test_the_file_holds_operators_and_the_data_all_tensors(weights: EncoderWeights, tmp_path: Path) -> None:
    """Half a layer is an operator, nothing lies in the graph itself, and every tensor begins at a cache line."""
    path = written(weights, tmp_path)
    model = onnx.load(path, load_external_data=False)
    layers = len(weights.layers)
    kinds = [(node.domain, node.op_type) for node in model.graph.node]
    own = [kind for domain, kind in kinds if domain == "biolord"]
    first, each, last = OPERATORS.get(weights.architecture, (["Embed"], ["Attention", "FeedForward"], ["Pool"]))
    assert own == [*first, *each * layers, *last]
    assert {kind for domain, kind in kinds if domain != "biolord"} <= {"Identity"}
    assert {(one.domain, one.version) for one in model.opset_import} == {("", 21), ("biolord", 1)}
    assert len(model.graph.initializer) <= 12 * layers + 8
    for tensor in model.graph.initializer:
        assert tensor.data_location == TensorProto.EXTERNAL
        places = {entry.key: entry.value for entry in tensor.external_data}
        assert int(places["offset"]) % 64 == 0
    assert path.stat().st_size < 20_000


def test_positions_behind_the_longest_text_are_left_out(weights: EncoderWeights, tmp_path: Path) -> None:
    """Those that are kept give the same bits, and a longer text is refused."""
    short, whole = written(weights, tmp_path / "short", longest=10), written(weights, tmp_path / "whole")
    rows = [row for row in ROWS if len(row) <= 10] + [list(range(3, 13))]
    assert run(short, rows)[0].tobytes() == run(whole, rows)[0].tobytes()
    assert (short.parent / "model.onnx.data").stat().st_size < (whole.parent / "model.onnx.data").stat().st_size
    with pytest.raises(Exception, match=r"text 0 (has|goes from 0 to) 11.*, expected 1 to 10"):
        run(short, [list(range(11))])


def test_values_of_16_bits_are_told_to_the_operator(weights: EncoderWeights, tmp_path: Path) -> None:
    """The attribute stands there only where it isn't what the operator takes by itself."""
    found = {}
    for bits in (8, 16):
        graph = emit_integer_encoder(weights, round_encoder(weights, value_bits=bits), MEAN, LONGEST)
        model = onnx.load(graph.save(tmp_path), load_external_data=False)
        nodes = [node for node in model.graph.node if node.op_type.endswith("Attention")]
        found[bits] = [
            [attribute.i for attribute in node.attribute if attribute.name == "value_activation_bits"] for node in nodes
        ]
    assert found == {8: [[]] * len(weights.layers), 16: [[16]] * len(weights.layers)}
