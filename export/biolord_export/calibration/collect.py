"""Run the float32 graph over texts and keep what a quantizer wants to know about each linear layer's input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto

from biolord_export.checkpoint.head.pooling import Pooling
from biolord_export.graph.encoder import emit_encoder
from biolord_export.progress import track
from biolord_export.scratch import scratch_folder
from biolord_onnx.session.cores import available_cores
from biolord_onnx.session.engine import import_onnxruntime

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import ModuleType

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import EncoderWeights, Float32
    from biolord_onnx.session.options import SessionOptions
    from biolord_onnx.session.session import OrtSession


HELD_BACK_EVERY = 5
"""One text in five only measures; the others fit ranges and covariances."""
HELD_OUT_TOKENS = 8
"""Tokens kept per measuring text: long texts must not outvote short ones."""
COVARIANCE_TOKENS = 48
"""Tokens of a text that enter the covariance, for the same reason; ranges are taken over all of them."""

GATHERED_TOKENS = 1024
"""Tokens added to a covariance at once."""


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """What was seen at the input of one linear layer.

    Attributes:
        count: Tokens seen.
        mean: float32 [inputs].
        covariance: float32 [inputs, inputs], the sum over tokens of the outer products of ``x - mean``.
        lowest: float32 [inputs], the smallest value of each channel.
        highest: float32 [inputs], the largest.
        held_out: float32 [tokens, inputs], inputs that took no part in the figures above.
        degenerate: float32 [tokens, inputs], inputs unlike all others, which took no part either.
    """

    count: int
    mean: Float32
    covariance: Float32
    lowest: Float32
    highest: Float32
    held_out: Float32
    degenerate: Float32


class _Collector:
    """Sums up the inputs of one linear layer; rows are buffered, because updating the covariance is expensive."""

    def __init__(self, width: int) -> None:
        self.count = 0
        self.waiting: list[Float32] = []
        self.waiting_rows = 0
        self.total = np.zeros(width, dtype=np.float64)
        self.second = np.zeros((width, width), dtype=np.float32)
        self.lowest = np.full(width, np.inf, dtype=np.float32)
        self.highest = np.full(width, -np.inf, dtype=np.float32)
        self.kept: list[Float32] = []
        self.degenerate = [np.empty((0, width), dtype=np.float32)]

    def add(self, rows: Float32) -> None:
        np.minimum(self.lowest, rows.min(axis=0), out=self.lowest)
        np.maximum(self.highest, rows.max(axis=0), out=self.highest)
        self.waiting.append(_spread(rows, COVARIANCE_TOKENS))
        self.waiting_rows += len(self.waiting[-1])
        if self.waiting_rows >= GATHERED_TOKENS:
            self._flush()

    def _flush(self) -> None:
        rows = np.concatenate(self.waiting)
        self.waiting, self.waiting_rows = [], 0
        self.count += len(rows)
        self.total += rows.sum(axis=0, dtype=np.float64)
        self.second += rows.T @ rows

    def keep(self, rows: Float32) -> None:
        self.kept.append(_spread(rows, HELD_OUT_TOKENS))

    def finish(self) -> InputStatistics:
        if self.waiting:
            self._flush()
        mean = self.total / self.count
        self.second -= (np.outer(mean, mean) * self.count).astype(np.float32)
        return InputStatistics(
            self.count,
            mean.astype(np.float32),
            self.second,
            self.lowest,
            self.highest,
            np.concatenate(self.kept),
            np.concatenate(self.degenerate),
        )


def _spread(rows: Float32, most: int) -> Float32:
    """Take rows at even distances, a copy."""
    return rows[np.linspace(0, len(rows) - 1, min(len(rows), most)).astype(np.int64)]


def collect_statistics(
    weights: EncoderWeights, texts: Sequence[NDArray[np.int64]], degenerate: Sequence[NDArray[np.int64]] = ()
) -> Mapping[tuple[int, str], InputStatistics]:
    """Run texts through the float32 encoder.

    Args:
        weights: The encoder.
        texts: The int64 [tokens] ids of each text, special tokens included; at least five texts. Of encoders with token
            types int64 [2, tokens], the types in the second row.
        degenerate: Those of texts that put the encoder into a state that no other text does.

    Returns:
        The statistics of each linear layer, by (layer number, name).
    """
    encoder = emit_encoder(weights, Pooling("mean", normalize=False))
    for (number, name), value in encoder.taps.items():
        encoder.builder.output(f"{number}.{name}", value, TensorProto.FLOAT, ["tokens", "inputs"])
    collectors: dict[tuple[int, str], _Collector] = {}
    ort = import_onnxruntime()
    with scratch_folder("calibration") as folder:
        session = ort.InferenceSession(encoder.builder.save(folder), _session_options(ort))
        for number, ids in enumerate(track([*texts, *degenerate], "calibrating")):
            for place, rows in zip(encoder.taps, _run(session, encoder.taps, ids), strict=True):
                if place not in collectors:
                    collectors[place] = _Collector(rows.shape[1])
                collector = collectors[place]
                if number >= len(texts):
                    collector.degenerate.append(rows)
                elif number % HELD_BACK_EVERY == HELD_BACK_EVERY - 1:
                    collector.keep(rows)
                else:
                    collector.add(rows)
        del session
    return {place: collectors.pop(place).finish() for place in encoder.taps}


def _run(session: OrtSession, taps: Mapping[tuple[int, str], str], ids: NDArray[np.int64]) -> Iterator[Float32]:
    names = [f"{number}.{name}" for number, name in taps]
    rows = np.atleast_2d(ids)[:, np.newaxis]
    feeds = dict(zip(("input_ids", "token_type_ids"), rows, strict=False))
    yield from session.run(names, feeds | {"attention_mask": np.ones_like(rows[0])})


def _session_options(ort: ModuleType) -> SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = available_cores().count
    options.enable_mem_pattern = False
    return options  # type: ignore[no-any-return, unused-ignore]
