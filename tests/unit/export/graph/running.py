"""Run a graph under construction and look at any value inside it."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import helper

from biolord_export.graph.builder import GraphBuilder

Arrays = list[NDArray[Any]]


def evaluate(graph: GraphBuilder, feed: Mapping[str, NDArray[np.generic]], *values: str) -> Arrays:
    """Save a graph as an export does, and compute some of its values, outputs or not, in onnxruntime."""
    with tempfile.TemporaryDirectory() as folder:
        path = graph.save(Path(folder))
        model = onnx.load(path, load_external_data=False)
        del model.graph.output[:]
        model.graph.output.extend(helper.make_empty_tensor_value_info(value) for value in values)
        onnx.save(model, path)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        found: Arrays = session.run(list(values), dict(feed))
    return found


def prefix_mask(lengths: list[int], sequence: int | None = None) -> NDArray[np.int64]:
    """Make the int64 [batch, sequence] mask of texts with these lengths, real tokens first."""
    width = max(lengths) if sequence is None else sequence
    return (np.arange(width) < np.array(lengths)[:, None]).astype(np.int64)
