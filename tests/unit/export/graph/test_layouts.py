"""How batches lie in memory: every layout computes the same vectors, and those for CUDA use what it has kernels for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.source import open_checkpoint
from biolord_export.graph.builder import FLOAT16, FLOAT32
from biolord_export.graph.encoder import emit_encoder
from biolord_export.graph.packing import CUDA_PACKED, CUDA_PADDED, PACKED, Layout
from biolord_onnx.session.engine import import_onnxruntime

LAYOUTS = {"packed": CUDA_PACKED, "padded": CUDA_PADDED}


def write(model: Path, folder: Path, layout: Layout) -> Path:
    """Write a checkpoint's float32 graph."""
    checkpoint = open_checkpoint(str(model))
    weights = read_weights(checkpoint.config, checkpoint.weights)
    folder.mkdir()
    return emit_encoder(weights, checkpoint.pooling, FLOAT32, layout).builder.save(folder)


@pytest.mark.parametrize("architecture", ["mpnet", "bert", "xlm-roberta", "modernbert"])
def test_every_layout_gives_the_same_vectors(request: pytest.FixtureRequest, tmp_path: Path, architecture: str) -> None:
    """At lengths between blocks, and at the longest, where the padding reaches further than any text may."""
    model: Path = request.getfixturevalue(f"tiny_{architecture}")
    plain = write(model, tmp_path / "plain", PACKED)
    others = [write(model, tmp_path / name, layout) for name, layout in LAYOUTS.items()]
    sessions = [
        import_onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"]) for path in (plain, *others)
    ]
    for lengths in ([1], [3, 8, 5], [13, 2], [8, 8], [63, 9]):
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, np.newaxis]).astype(np.int64)
        ids = np.random.default_rng(sum(lengths)).integers(5, 90, mask.shape) * mask
        exact, *found = (
            session.run(["unit_embedding"], {"input_ids": ids, "attention_mask": mask})[0] for session in sessions
        )
        for vectors in found:
            np.testing.assert_allclose(vectors, exact, atol=2e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_for_cuda_uses_what_it_has_kernels_for(tiny_mpnet: Path, tmp_path: Path, layout: str) -> None:
    """Its Pad takes no whole numbers, which would go by the CPU; a CUDA graph can't hold the padded one's NonZero."""
    checkpoint = open_checkpoint(str(tiny_mpnet))
    weights = read_weights(checkpoint.config, checkpoint.weights)
    path = emit_encoder(weights, checkpoint.pooling, FLOAT16, LAYOUTS[layout]).builder.save(tmp_path)
    model = onnx.shape_inference.infer_shapes(onnx.load(path), check_type=True, strict_mode=True)
    kinds = {node.op_type for node in model.graph.node}
    assert "Pad" not in kinds
    assert ("NonZero" in kinds) == (layout == "packed")
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.value_info}
    masks = {node.input[4] for node in model.graph.node if node.op_type == "MultiHeadAttention"}
    assert {types[mask] for mask in masks} == {TensorProto.INT32}
    (mask,) = (node for node in model.graph.node if node.output[0] in masks)
    assert (mask.op_type, len(mask.input)) == ("Concat", 3)
