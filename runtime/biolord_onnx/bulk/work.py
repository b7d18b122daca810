"""How parts are encoded, and by this process; `biolord_onnx.bulk.processes` has others do it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from biolord_onnx.bulk.parts import Part
from biolord_onnx.embedder import Embedder, EncodeInfo
from biolord_onnx.encode_options import EncodeOptions


def encode_here(parts: Iterable[Part], embedder: Embedder, options: EncodeOptions) -> Iterator[tuple[Part, EncodeInfo]]:
    """Encode parts with the embedder at hand, one after the other."""
    for part in parts:
        yield part, options.encode(embedder, part.texts)
