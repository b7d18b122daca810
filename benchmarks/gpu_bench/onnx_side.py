"""A graph in onnxruntime without the rest of the runtime: I/O binding, CUDA graphs, and where each node runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from biolord_onnx.session.engine import import_onnxruntime
from biolord_onnx.session.options import SessionSettings, session_options

Ids = NDArray[np.int64]
BLOCK = 8
OUTPUT = "unit_embedding"
PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


class BoundSide:
    """A session whose inputs and outputs lie on the device, each shape's at places of its own.

    With ``captured``, a shape's second run is recorded as a CUDA graph, and later ones replay it.
    """

    def __init__(self, artifact: Path, device: str, threads: int, dim: int, *, captured: bool = False) -> None:
        """Open a session."""
        self._ort: Any = import_onnxruntime()
        self._session, self._device, self._dim, self._captured = (
            open_session(artifact, device, threads, {"enable_cuda_graph": "1"} if captured else {}),
            device,
            dim,
            captured,
        )
        self._shapes: dict[tuple[int, ...], tuple[Any, Any, Any, Any, Any]] = {}

    def run(self, ids: Ids, mask: Ids) -> NDArray[np.float32]:
        """Encode int64 [batch, sequence]: float32 [batch, dim]. Lengths are rounded up, so that shapes are few."""
        ids, mask = (np.pad(rows, ((0, 0), (0, -rows.shape[1] % BLOCK))) for rows in (ids, mask))
        held_ids, held_mask, vectors, binding, options = self._shapes.get(ids.shape) or self._bind(ids, mask)
        held_ids.update_inplace(ids)
        held_mask.update_inplace(mask)
        self._session.run_with_iobinding(binding, options)
        return np.array(vectors.numpy(), dtype=np.float32)  # on the CPU that is a view, which the next run overwrites

    def _bind(self, ids: Ids, mask: Ids) -> tuple[Any, Any, Any, Any, Any]:
        held = [self._ort.OrtValue.ortvalue_from_numpy(rows, self._device, 0) for rows in (ids, mask)]
        shape = [len(ids), self._dim]
        vectors = self._ort.OrtValue.ortvalue_from_shape_and_type(shape, np.float32, self._device, 0)
        binding, options = self._session.io_binding(), self._ort.RunOptions()
        for name, value in zip(("input_ids", "attention_mask"), held, strict=True):
            binding.bind_ortvalue_input(name, value)
        binding.bind_ortvalue_output(OUTPUT, vectors)
        if self._captured:
            options.add_run_config_entry("gpu_graph_id", str(len(self._shapes) + 1))
        self._shapes[ids.shape] = held[0], held[1], vectors, binding, options
        return self._shapes[ids.shape]


def open_session(artifact: Path, device: str, threads: int, more: Mapping[str, str], profile: str = "") -> Any:  # noqa: ANN401
    """Open a graph on one provider, which onnxruntime may not exchange for another."""
    ort: Any = import_onnxruntime()
    options: Any = session_options(ort, SessionSettings(threads))
    if profile:
        options.enable_profiling, options.profile_file_prefix = True, profile
    session = ort.InferenceSession(
        artifact / "model.onnx", options, [(PROVIDERS[device], dict(more))], enable_fallback=0
    )
    if session.get_providers()[0] != PROVIDERS[device]:
        raise RuntimeError(f"{device} did not start: onnxruntime uses {session.get_providers()}")
    return session


def misplaced(artifact: Path, device: str, threads: int, folder: Path) -> list[str]:
    """List the nodes that another provider than the device's ran, and copies between both.

    Arithmetic of shapes alone belongs on the CPU: a GPU would have to be waited for.
    """
    session = open_session(artifact, device, threads, {}, str(folder / "profile"))
    ids = np.ones((2, 13), np.int64)
    session.run([OUTPUT], {"input_ids": ids, "attention_mask": ids})
    events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    ran = {event["name"].removesuffix("_kernel_time"): event["args"] for event in events if "provider" in event["args"]}
    shapes = shape_nodes(onnx.load(artifact / "model.onnx", load_external_data=False).graph)
    return sorted(
        f"{args['op_name']} {name}"
        for name, args in ran.items()
        if name not in shapes and (args["provider"] != PROVIDERS[device] or args["op_name"].startswith("Memcpy"))
    )


def shape_nodes(graph: onnx.GraphProto) -> set[str]:
    """Name the nodes whose values follow from shapes and constants alone."""
    known = {tensor.name for tensor in graph.initializer} | {""}
    names = set()
    for node in graph.node:
        if node.op_type == "Shape" or all(value in known for value in node.input):
            names.add(node.name)
            known.update(node.output)
    return names
