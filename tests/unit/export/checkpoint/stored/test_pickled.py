"""Pickled weights where torch isn't installed; with it: tests/family/test_real_layouts.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from biolord_export.checkpoint.stored.pickled import PickledTensors, can_unpickle
from biolord_export.checkpoint.stored.tensors import TensorFile
from biolord_onnx.errors import MissingDependencyError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed here")


def test_without_torch_both_ways_out_are_named(tmp_path: Path) -> None:
    """The pip command, and the revision that has safetensors; the file isn't opened."""
    assert not can_unpickle()
    with pytest.raises(
        MissingDependencyError,
        match=r"pytorch_model\.bin is a pickle, .* pip install 'biolord-onnx\[cpu,export,optimum\]', .*refs/pr/1",
    ):
        PickledTensors(tmp_path / "pytorch_model.bin")


def test_a_bin_file_is_taken_for_a_pickle(tmp_path: Path) -> None:
    """Its name decides, before anything is read."""
    with pytest.raises(MissingDependencyError):
        TensorFile(tmp_path / "pytorch_model.bin", "embeddings.word_embeddings.weight")
