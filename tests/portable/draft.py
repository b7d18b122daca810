"""Write both portable graphs of a checkpoint, from one trace. Run by the interpreter of the oracle's environment.

    python draft.py MODEL OUT TEXTS [MODEL OUT TEXTS …]

Makes `OUT/fp32` and, of what has a grid for its channels, `OUT/int8`, without manifests. TEXTS is how many of the
built-in calibration texts are looked at: few, so that it takes seconds; what all of them give, the export itself
measures and its gate holds.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from biolord_export.calibration.collect import collect_statistics
from biolord_export.checkpoint.architectures import read_weights
from biolord_export.checkpoint.source import Checkpoint, open_checkpoint
from biolord_export.corpus import builtin_calibration
from biolord_export.portable.encoder import wrap_encoder
from biolord_export.portable.matching import match_weights
from biolord_export.portable.qdq import qdq_operators
from biolord_export.portable.replay import Replacement
from biolord_export.portable.tracing import trace_encoder
from biolord_export.quantize.static8 import quantize_static8
from biolord_onnx.tokenizer.tokenizer import Tokenizer

LONGEST = 96


def main(model: str, out: Path, count: int) -> None:
    """Trace once, write twice."""
    checkpoint = open_checkpoint(model)
    weights = read_weights(checkpoint.config, checkpoint.weights)
    traced = trace_encoder(checkpoint)
    graphs: dict[str, dict[str, Replacement]] = {"fp32": {}}
    if weights.modern is None:
        quantized = quantize_static8(weights, collect_statistics(weights, calibration(checkpoint, count)))
        graphs["int8"] = match_weights(traced, qdq_operators(weights, quantized))
    for name, replacements in graphs.items():
        folder = out / name
        folder.mkdir(parents=True)
        wrap_encoder(traced, weights.dim, checkpoint.pooling, replacements).save(folder)


def calibration(checkpoint: Checkpoint, count: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.int64]]]:
    """Take built-in texts at even distances, so that every kind is among them."""
    texts = builtin_calibration().texts
    some = texts[:: max(1, len(texts) // count)]
    longest = min(LONGEST, checkpoint.max_length.value)
    return [np.array(ids) for ids in Tokenizer.from_json(checkpoint.tokenizer_json).tokenize(some, longest).ids]


if __name__ == "__main__":
    asked = iter(sys.argv[1:])
    for place, target, texts in zip(asked, asked, asked, strict=True):
        main(place, Path(target), int(texts))
