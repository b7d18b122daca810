"""How texts are encoded, as a value that travels between processes; and what is said of texts that were cut."""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding.info import EncodeInfo
from biolord_onnx.encoding.precision import Precision, check_precision
from biolord_onnx.encoding.settings import Overflow, check_overflow
from biolord_onnx.encoding.texts import Inputs
from biolord_onnx.errors import TruncationWarning

_PACKAGE = str(Path(__file__).parent)


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How texts are encoded; the keywords of `Embedder.encode`.

    Raises:
        InputError: There is no such overflow or precision; said where the options are made, not where texts come.
    """

    normalize: bool | None = None
    batch_tokens: int | None = None
    overflow: Overflow = "truncate"
    precision: Precision = "float32"
    prompt: str | None = None
    prompt_name: str | None = None
    truncate_dim: int | None = None

    def __post_init__(self) -> None:
        """Check the names."""
        check_overflow(self.overflow)
        check_precision(self.precision)

    def for_prompt(self, embedder: Embedder, name: str) -> EncodeOptions:
        """Return these options with a prompt of the artifact's, if it has one of that name and none was asked for."""
        if self.prompt is not None or self.prompt_name is not None:
            return self
        return replace(self, prompt_name=embedder.manifest.prompts.named(name))

    def encode(self, embedder: Embedder, texts: Inputs) -> EncodeInfo:
        """Encode texts or pairs so, and say nothing of those that were cut."""
        return embedder.encode_with_info(
            texts,
            prompt=self.prompt,
            prompt_name=self.prompt_name,
            normalize=self.normalize,
            truncate_dim=self.truncate_dim,
            batch_tokens=self.batch_tokens,
            overflow=self.overflow,
            precision=self.precision,
        )

    def encode_aloud(self, embedder: Embedder, texts: Inputs) -> EncodeInfo:
        """Encode texts so, with one `TruncationWarning` if some were cut."""
        info = self.encode(embedder, texts)
        warn_of_cuts(int(info.truncated.sum()), len(texts), embedder.max_length)
        return info


def warn_of_cuts(cut: int, texts: int, max_length: int) -> None:
    """Warn of texts that were cut, where this package was called from; every time, not once a place as Python would.

    Args:
        cut: How many.
        texts: Of how many.
        max_length: Tokens that were left of each.
    """
    if not cut:
        return
    frame = sys._getframe(1)  # noqa: SLF001 - as the warnings module itself finds its caller
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    message = (
        f"{cut} of {texts} texts have more than {max_length} tokens and were cut: overflow='window' reads all of a "
        "text, overflow='error' refuses it"
    )
    # A registry of its own, or else Python would show a count that it has shown before only once.
    place = frame.f_code.co_filename, frame.f_lineno
    warnings.warn_explicit(message, TruncationWarning, *place, module=frame.f_globals.get("__name__"), registry={})
