"""How parts are encoded, and by this process; `biolord_onnx.bulk.processes` has others do it."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from dataclasses import dataclass

from biolord_onnx.bulk.parts import Part
from biolord_onnx.embedder import Embedder, EncodeInfo
from biolord_onnx.precision import Precision
from biolord_onnx.settings import Overflow

# Parts and what became of them, in order; closing it ends what is under way.
Encoded = Generator[tuple[Part, EncodeInfo], None, None]


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How texts are encoded; the keywords of `Embedder.encode`."""

    normalize: bool | None = None
    batch_tokens: int | None = None
    overflow: Overflow = "truncate"
    precision: Precision = "float32"

    def encode(self, embedder: Embedder, texts: list[str]) -> EncodeInfo:
        """Encode texts so."""
        return embedder.encode_with_info(
            texts,
            normalize=self.normalize,
            batch_tokens=self.batch_tokens,
            overflow=self.overflow,
            precision=self.precision,
        )


def encode_here(parts: Iterable[Part], embedder: Embedder, options: EncodeOptions) -> Encoded:
    """Encode parts with the embedder at hand, one after the other."""
    for part in parts:
        yield part, options.encode(embedder, part.texts)
