"""Sessions on a CPU kind of choice, and what is fed to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import ModelProto

from biolord_onnx.session import kernels

Array = NDArray[Any]
COMPARED: set[str] = set()
"""Kinds whose bits were compared with the plain one's."""


def use(kind: str) -> None:
    """Have sessions that are opened from now on run on a kind of kernels."""
    assert kernels._library(kernels.library_path()).biolord_kernels_use(kind.encode()), kind


def open_session(model: ModelProto, kind: str, threads: int = 1) -> onnxruntime.InferenceSession:
    """Open a session of a kind; the kind of the process is the best one again afterward."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    kernels.register(options)
    use(kind)
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    finally:
        use(kernels.available()[0])


def run(session: onnxruntime.InferenceSession, feed: Mapping[str, Array]) -> list[Array]:
    """Run a session and return all outputs."""
    return list(session.run(None, {value.name: feed[value.name] for value in session.get_inputs()}))


def assert_same_bits(model: ModelProto, kind: str, *feeds: Mapping[str, Array], threads: int = 1) -> None:
    """Check that a kind gives the bits of the plain one."""
    ours, plain = open_session(model, kind, threads), open_session(model, "plain")
    for feed in feeds:
        mine, true = ([output.tobytes() for output in run(session, feed)] for session in (ours, plain))
        assert mine == true, {name: values.shape for name, values in feed.items()}
    COMPARED.add(kind)


def ids_feed(lengths: Sequence[int], vocabulary: int, seed: int = 3) -> dict[str, Array]:
    """Make token ids of texts, padded on the right; a text's ids depend on its place alone."""
    ids = np.zeros((len(lengths), max(lengths, default=0)), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = np.random.default_rng((seed, row)).integers(0, vocabulary, length)
        mask[row, :length] = 1
    return {"input_ids": ids, "attention_mask": mask}


def hidden_feed(lengths: Sequence[int], dim: int, seed: int = 4) -> dict[str, Array]:
    """Make hidden rows of texts, a few channels far larger than the rest."""
    random = np.random.default_rng(seed)
    hidden = random.normal(0, 1, (sum(lengths), dim)).astype(np.float32)
    hidden[:, :: max(1, dim // 3)] *= 12
    return {"hidden": hidden, "starts": np.cumsum([0, *lengths], dtype=np.int32)}
