"""The float16 target: written and checked everywhere, run on a GPU only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ProviderError
from unit.export.fixtures import Exported
from unit.export.places import run

IDS = np.array([[0, 40, 41, 42, 2], [0, 43, 2, 1, 1]])
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]])


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory, tiny_mpnet: Path) -> Exported:
    """Give the float16 artifact of the tiny MPNet checkpoint."""
    out = tmp_path_factory.mktemp("half") / "tiny-mpnet-cuda-fp16"
    outcome = run("export", tiny_mpnet, out, "--target", "cuda-fp16")
    assert outcome.code == 0, outcome
    return Exported(out, outcome)


def vectors(folder: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Run a graph as it stands; onnxruntime's CPU provider widens float16 nodes that it has no kernel for."""
    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])
    found = session.run(["unit_embedding"], {"input_ids": IDS, "attention_mask": MASK})[0]
    return np.asarray(found, dtype=np.float32)


def test_every_floating_point_constant_of_the_layers_is_float16(half: Exported) -> None:
    """Only pooling's small constants are float32."""
    graph = onnx.load(half.path / "model.onnx", load_external_data=False).graph
    floats = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    assert all(np.prod(tensor.dims) == 1 for tensor in floats.values()), sorted(floats)
    assert sum(tensor.data_type == TensorProto.FLOAT16 for tensor in graph.initializer) > 20


def test_its_types_and_shapes_are_consistent(half: Exported) -> None:
    """The checker and strict shape inference pass; the outputs stay float32."""
    model = onnx.load(half.path / "model.onnx")
    onnx.checker.check_model(model)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    assert {output.type.tensor_type.elem_type for output in model.graph.output} == {TensorProto.FLOAT}


def test_its_vectors_are_near_the_exact_ones(half: Exported, exported: object) -> None:
    """The graph itself, not only its CPU proxy, computes the model."""
    assert callable(exported)
    exact = vectors(exported("mpnet", "cpu-fp32").path)
    assert np.sum(exact * vectors(half.path), axis=1).min() > 0.999


def test_its_report_says_what_was_measured(half: Exported) -> None:
    """Nobody may take the CPU proxy's figures for a GPU's."""
    fidelity = half.artifact.manifest.fidelity
    assert fidelity is not None
    assert fidelity["passed"] is True
    assert str(fidelity["reference"]).endswith("computes in float32, not on a GPU")
    assert half.artifact.manifest.quantization["scheme"] == "float16"


def test_a_cpu_is_refused(half: Exported) -> None:
    """The error names the provider that runs it and how to get it."""
    with pytest.raises(ProviderError, match=r"cuda does, pip install 'biolord-onnx\[cuda\]'"):
        Embedder.load(half.path)
