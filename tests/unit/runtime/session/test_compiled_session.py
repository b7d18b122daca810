"""Sessions of artifacts that need the compiled operators."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from biolord_onnx.artifact.folder import Artifact, open_artifact
from biolord_onnx.errors import ArtifactError, ProviderError
from biolord_onnx.session import kernels
from biolord_onnx.session.session import open_session
from unit.runtime.compiled_artifact import compiled_manifest
from unit.runtime.tiny_artifact import tiny_manifest, tiny_model, tiny_table, write_manifest

IDS = np.array([[0, 5, 2], [0, 6, 2]], dtype=np.int64)
MASK = np.ones_like(IDS)


def elsewhere(folder: Path) -> Artifact:
    """Open the artifact under a target that other providers run, too."""
    write_manifest(folder, replace(compiled_manifest(), target="portable-int8"))
    return open_artifact(folder)


def test_the_operators_are_there(compiled: Path) -> None:
    """And both outputs are as far from each other as a length."""
    session = open_session(open_artifact(compiled), threads=2)
    raw, unit = (session.run(IDS, MASK, output) for output in ("sentence_embedding", "unit_embedding"))
    np.testing.assert_allclose(unit, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-6)
    assert raw.shape == (2, 64)


def test_other_providers_are_refused(compiled_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By both names, before a session is made; none of them has such kernels."""
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider"])
    artifact = elsewhere(compiled_copy)
    for name in ("cuda", "auto"):
        with pytest.raises(ProviderError) as raised:
            open_session(artifact, provider=name)
        assert str(raised.value) == (
            "provider cuda does not run the compiled operators (biolord 1) that tiny-cpu-int8 needs: ask for provider "
            "cpu, which does"
        )


def test_a_missing_library_is_told(compiled: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before onnxruntime reads the graph; artifacts that need none run."""
    monkeypatch.setattr(kernels, "library_path", partial(kernels.library_path, tmp_path))
    with pytest.raises(ProviderError, match=f"{tmp_path}.+ doesn.t exist"):
        open_session(open_artifact(compiled))
    assert open_session(open_artifact(tiny)).provider == "cpu"


def test_a_library_of_another_version_is_refused(compiled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was compiled for another release, and left behind."""
    monkeypatch.setattr(kernels, "VERSIONS", {"biolord": 7})
    kernels._library.cache_clear()
    with pytest.raises(ProviderError, match=r"of version 1, this biolord-onnx needs version 7: install it again"):
        open_session(open_artifact(compiled))


def test_a_graph_that_the_operators_refuse_is_told(compiled_copy: Path) -> None:
    """In one line, with the operator's own reason."""
    model = onnx.load(compiled_copy / "model.onnx", load_external_data=False)
    attention = model.graph.node[1]
    del attention.attribute[:]
    attention.attribute.extend([helper.make_attribute("heads", 3), helper.make_attribute("epsilon", 1e-5)])
    (compiled_copy / "model.onnx").write_bytes(model.SerializeToString())
    write_manifest(compiled_copy, compiled_manifest())
    with pytest.raises(ArtifactError, match=r"biolord.Attention: attribute heads is 3 for 64 channels") as raised:
        open_session(open_artifact(compiled_copy))
    assert "\n" not in str(raised.value)


def test_a_graph_that_declares_no_shapes_is_refused(compiled_copy: Path) -> None:
    """One that says nothing of its outputs is somebody else's."""
    model = onnx.load(compiled_copy / "model.onnx", load_external_data=False)
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    (compiled_copy / "model.onnx").write_bytes(model.SerializeToString())
    write_manifest(compiled_copy, compiled_manifest())
    with pytest.raises(
        ArtifactError, match=r"outputs \{'sentence_embedding': None, 'unit_embedding': None\}, expected"
    ):
        open_session(open_artifact(compiled_copy))


def test_one_vector_for_several_texts_is_refused(tiny_copy: Path) -> None:
    """What a graph declares of its outputs is its own word; a row too few would be spread over all texts."""
    model = tiny_model(tiny_table())
    model.graph.initializer.append(numpy_helper.from_array(np.array([0]), "batch_axis"))
    for name, node in zip(
        ("sentence_embedding", "unit_embedding"), (model.graph.node[6], model.graph.node[8]), strict=True
    ):
        node.output[0] = f"{name}_each"
        model.graph.node.append(helper.make_node("ReduceSum", [f"{name}_each", "batch_axis"], [name], keepdims=1))
    model.graph.node[7].input[0] = model.graph.node[8].input[0] = "sentence_embedding_each"
    for output in model.graph.output:
        output.CopyFrom(helper.make_tensor_value_info(output.name, TensorProto.FLOAT, [None, 8]))
    (tiny_copy / "model.onnx").write_bytes(model.SerializeToString())
    write_manifest(tiny_copy, tiny_manifest())
    session = open_session(open_artifact(tiny_copy), threads=1)
    assert session.run(IDS[:1], MASK[:1], "unit_embedding").shape == (1, 8)
    with pytest.raises(ArtifactError, match=r"gave numbers of shape \(1, 8\) for 2 texts, expected \(2, 8\)"):
        session.run(IDS, MASK, "unit_embedding")
