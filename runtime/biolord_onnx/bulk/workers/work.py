"""How parts are encoded, and by this process; `biolord_onnx.bulk.workers.processes` has others do it."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from biolord_onnx.bulk.parts import Part
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.info import EncodeInfo

# Parts and what became of them, in order; closing it ends what is under way.
Encoded = Generator[tuple[Part, EncodeInfo], None, None]


def encode_here(parts: Iterable[Part], embedder: Embedder, options: EncodeOptions) -> Encoded:
    """Encode parts with the embedder at hand, one after the other."""
    for part in parts:
        yield part, options.encode(embedder, part.texts)
