"""Reading safetensors: every way in which a file can be wrong has its own words."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_export.errors import CheckpointError

ANCHOR = "embeddings.weight"


def written(folder: Path, tensors: dict[str, NDArray[np.generic]]) -> Path:
    """Write a safetensors file that holds the anchor and some tensors more."""
    path = folder / "model.safetensors"
    save_file({ANCHOR: np.zeros((2, 2), np.float32), **tensors}, path)
    return path


def test_a_tensor_is_read_as_it_was_written(tmp_path: Path) -> None:
    """Values and shape come back in float32, in rows that lie next to each other."""
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    with TensorFile(written(tmp_path, {"w": values}), ANCHOR) as tensors:
        found = tensors.read("w", (2, 3))
    assert found.dtype == np.float32
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, values)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_precisions_become_float32(tmp_path: Path, kind: type[np.generic]) -> None:
    """A checkpoint saved in half or double precision has the values nearest to its own."""
    values = np.array([1 / 3, -2.5, 1e-3]).astype(kind)
    with TensorFile(written(tmp_path, {"w": values}), ANCHOR) as tensors:
        np.testing.assert_array_equal(tensors.read("w", (3,)), values.astype(np.float32))


@pytest.mark.parametrize("prefix", ["", "mpnet.", "0.auto_model."])
def test_names_are_looked_up_below_the_prefix_of_the_file(tmp_path: Path, prefix: str) -> None:
    """The anchor tells how the file's names begin."""
    path = tmp_path / "model.safetensors"
    save_file({prefix + ANCHOR: np.zeros(1, np.float32), f"{prefix}w": np.ones(1, np.float32)}, path)
    with TensorFile(path, ANCHOR) as tensors:
        assert tensors.prefix == prefix
        assert tensors.read("w", (1,)) == 1


def test_two_encoders_in_a_file_are_refused(tmp_path: Path) -> None:
    """Which of them is meant is not guessed."""
    path = tmp_path / "model.safetensors"
    save_file({f"{owner}.{ANCHOR}": np.zeros(1, np.float32) for owner in ("query", "document")}, path)
    with pytest.raises(CheckpointError, match=r"several encoders, below 'document\.' and 'query\.'"):
        TensorFile(path, ANCHOR)


def test_a_file_of_another_architecture_is_refused(tmp_path: Path) -> None:
    """A file without the anchor holds something else."""
    path = tmp_path / "model.safetensors"
    save_file({"transformer.wte.weight": np.zeros(1, np.float32)}, path)
    with pytest.raises(CheckpointError, match=f"has no tensor named {re.escape(ANCHOR)}"):
        TensorFile(path, ANCHOR)


def test_a_missing_tensor_is_named_in_full(tmp_path: Path) -> None:
    """An incomplete checkpoint is told apart from a wrong one."""
    path = tmp_path / "model.safetensors"
    save_file({f"bert.{ANCHOR}": np.zeros(1, np.float32)}, path)
    with (
        TensorFile(path, ANCHOR) as tensors,
        pytest.raises(CheckpointError, match=r"has no tensor bert\.pooler: the checkpoint is incomplete"),
    ):
        tensors.read("pooler", (1,))


def test_a_wrong_shape_is_refused_with_both(tmp_path: Path) -> None:
    """A config.json of another checkpoint is found out by the first tensor."""
    path = written(tmp_path, {"w": np.zeros((2, 3), np.float32)})
    with (
        TensorFile(path, ANCHOR) as tensors,
        pytest.raises(CheckpointError, match=r"w in .* has shape \[2, 3\], config\.json says \[3, 2\]"),
    ):
        tensors.read("w", (3, 2))


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_a_normalization_under_tensorflows_names(tmp_path: Path, prefix: str) -> None:
    """As in checkpoints that were converted long ago; transformers takes them for the same."""
    path = tmp_path / "model.safetensors"
    weight, bias = np.arange(3, dtype=np.float32), np.ones(3, np.float32)
    save_file({f"{prefix}{ANCHOR}": bias, f"{prefix}n.gamma": weight, f"{prefix}n.beta": bias}, path)
    with TensorFile(path, ANCHOR) as tensors:
        norm = tensors.layer_norm("n", 3, 1e-5)
    np.testing.assert_array_equal(norm.weight, weight)
    np.testing.assert_array_equal(norm.bias, bias)


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path) -> None:
    """Of any shape, behind tensors of other types, and whatever stands in the header."""
    random = np.random.default_rng(3)
    values = random.normal(0, 1, (3, 5)).astype(np.float32)
    halves = (values.view(np.uint32) >> 16).astype("<u2")
    header = {
        "__metadata__": {"format": "pt"},
        ANCHOR: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        "w": {"dtype": "BF16", "shape": [3, 5], "data_offsets": [4, 34]},
    }
    described = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(described)) + described + bytes(4) + halves.tobytes())
    with TensorFile(path, ANCHOR) as tensors:
        found = tensors.read("w", (3, 5))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found.view(np.uint32), values.view(np.uint32) & 0xFFFF0000)


def test_weights_in_several_files(tmp_path: Path) -> None:
    """The index says which files there are; each tensor is found in its own."""
    for name, part in (("a", {ANCHOR: np.zeros(1, np.float32)}), ("b", {"w": np.ones(2, np.float32)})):
        save_file(part, tmp_path / f"{name}.safetensors")
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {ANCHOR: "a.safetensors", "w": "b.safetensors"}}), encoding="utf-8")
    with TensorFile(index, ANCHOR) as tensors:
        np.testing.assert_array_equal(tensors.read("w", (2,)), np.ones(2))
    save_file({"w": np.ones(2, np.float32), ANCHOR: np.zeros(1, np.float32)}, tmp_path / "a.safetensors")
    with pytest.raises(CheckpointError, match="several of the weights files have a tensor w: download them again"):
        TensorFile(index, ANCHOR)


@pytest.mark.parametrize("kind", ["I64", "F8_E4M3"])
def test_a_type_that_numpy_lacks_or_that_is_no_weight_is_refused(tmp_path: Path, kind: str) -> None:
    """8 bits would need torch; integers are no weights; the way out is named."""
    size = {"I64": 8, "F8_E4M3": 1}[kind]
    header = {
        ANCHOR: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        "w": {"dtype": kind, "shape": [2], "data_offsets": [4, 4 + 2 * size]},
    }
    described = json.dumps(header).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(described)) + described + bytes(4 + 2 * size))
    with (
        TensorFile(path, ANCHOR) as tensors,
        pytest.raises(CheckpointError, match=rf"w in .* is {kind}, expected one of .*: save the checkpoint in float32"),
    ):
        tensors.read("w", (2,))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_refused(tmp_path: Path, value: float) -> None:
    """One damaged weight is enough: every vector would be NaN."""
    values = np.zeros((4, 4), np.float32)
    values[2, 1] = value
    with (
        TensorFile(written(tmp_path, {"w": values}), ANCHOR) as tensors,
        pytest.raises(CheckpointError, match=r"w in .* holds values that aren't finite"),
    ):
        tensors.read("w", (4, 4))


def test_a_double_too_large_for_float32_is_refused(tmp_path: Path) -> None:
    """A value that only a double holds is not made infinite in silence."""
    with (
        TensorFile(written(tmp_path, {"w": np.array([1e300])}), ANCHOR) as tensors,
        pytest.raises(CheckpointError, match="aren't finite"),
    ):
        tensors.read("w", (1,))


@pytest.mark.parametrize("kept", [0, 5, 60, -1], ids=["empty", "no header", "cut header", "cut data"])
def test_a_truncated_file_is_refused(tmp_path: Path, kept: int) -> None:
    """A download that broke off, wherever, is named before any tensor is read."""
    path = written(tmp_path, {"w": np.ones(100, np.float32)})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"model\.safetensors is not a readable safetensors file .*again"):
        TensorFile(path, ANCHOR)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """A folder in the file's place, or nothing at all, is the same error."""
    for path in (tmp_path, tmp_path / "model.safetensors"):
        with pytest.raises(CheckpointError, match="is not a readable safetensors file"):
            TensorFile(path, ANCHOR)


def test_a_linear_layer_is_turned_to_inputs_by_outputs(tmp_path: Path) -> None:
    """Torch multiplies with the transpose; the graph with the matrix as it is stored in the artifact."""
    weight, bias = np.arange(6, dtype=np.float32).reshape(2, 3), np.array([7, 8], np.float32)
    with TensorFile(written(tmp_path, {"fc.weight": weight, "fc.bias": bias}), ANCHOR) as tensors:
        linear = tensors.linear("fc", 3, 2)
    np.testing.assert_array_equal(linear.weight, weight.T)
    np.testing.assert_array_equal(linear.bias, bias)
    assert linear.weight.flags.c_contiguous


def test_layers_of_one_input_stand_side_by_side(tmp_path: Path) -> None:
    """Query, key and value become one multiplication, in the order of their names."""
    random = np.random.default_rng(0)
    parts = {
        f"{name}.{kind}": random.normal(size=shape).astype(np.float32)
        for name in "qkv"
        for kind, shape in (("weight", (4, 4)), ("bias", (4,)))
    }
    with TensorFile(written(tmp_path, dict(parts)), ANCHOR) as tensors:
        joined = tensors.linears(("q", "k", "v"), 4, 4)
    x = random.normal(size=(5, 4)).astype(np.float32)
    expected = [x @ parts[f"{name}.weight"].T + parts[f"{name}.bias"] for name in "qkv"]
    np.testing.assert_allclose(x @ joined.weight + joined.bias, np.concatenate(expected, axis=1), rtol=1e-5)


def test_a_layer_norm_keeps_its_epsilon(tmp_path: Path) -> None:
    """Scale, shift and the epsilon of config.json belong together."""
    scale, shift = np.array([1, 2], np.float32), np.array([3, 4], np.float32)
    with TensorFile(written(tmp_path, {"ln.weight": scale, "ln.bias": shift}), ANCHOR) as tensors:
        norm = tensors.layer_norm("ln", 2, 1e-5)
    np.testing.assert_array_equal(norm.weight, scale)
    np.testing.assert_array_equal(norm.bias, shift)
    assert norm.epsilon == 1e-5
