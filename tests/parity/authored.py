"""The authored float32 graph of a checkpoint, opened in onnxruntime as the runtime opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.config import read_encoder_config
from biolord_export.checkpoint.modules import read_modules
from biolord_export.graph.encoder import emit_encoder
from biolord_onnx.encoding.batching import Batch, batch_arrays

SENTENCE = "sentence_embedding"
UNIT = "unit_embedding"


@dataclass(frozen=True)
class Authored:
    """A graph on disk, in a session."""

    session: onnxruntime.InferenceSession
    pad_id: int

    def run(self, ids: Sequence[Sequence[int]], output: str = SENTENCE, extra: int = 0) -> NDArray[np.float32]:
        """Encode texts in one batch, padded to the longest and ``extra`` places more: float32 [texts, dim]."""
        batch = Batch(np.arange(len(ids)), max(map(len, ids)) + extra)
        input_ids, attention_mask = batch_arrays(ids, batch, self.pad_id)
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        return np.asarray(self.session.run([output], feed)[0], dtype=np.float32)

    def alone(self, ids: Sequence[Sequence[int]], output: str = SENTENCE) -> NDArray[np.float32]:
        """Encode each text in a run of its own: float32 [texts, dim]."""
        return np.concatenate([self.run([one], output) for one in ids])


def write_graph(checkpoint: Path, folder: Path, pooling: str | None = None) -> int:
    """Write the float32 graph of a checkpoint into a folder; returns the id to pad with."""
    modules = read_modules(checkpoint, pooling)
    weights = read_weights(read_encoder_config(modules.encoder), modules.encoder / "model.safetensors")
    folder.mkdir(parents=True, exist_ok=True)
    emit_encoder(weights, modules.pooling).builder.save(folder)
    return weights.pad_id


def open_graph(folder: Path, pad_id: int, threads: int = 1) -> Authored:
    """Open a written graph."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    return Authored(session, pad_id)


def differences(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The largest difference between the numbers of two arrays."""
    return float(np.abs(one.astype(np.float64) - other.astype(np.float64)).max())


def cosines(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    """The cosine of each row of one to the same row of the other, in float64."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    return np.asarray((a * b).sum(axis=1) / lengths)
