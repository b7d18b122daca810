"""The keywords of ``encode``, for those who hand them on."""

from __future__ import annotations

from typing import TypedDict

from biolord_onnx.encoding.precision import Precision
from biolord_onnx.encoding.settings import Overflow


class EncodeKeywords(TypedDict, total=False):
    """As `biolord_onnx.Embedder.encode` explains them."""

    prompt: str | None
    prompt_name: str | None
    normalize: bool | None
    truncate_dim: int | None
    batch_tokens: int | None
    overflow: Overflow
    precision: Precision
    show_progress_bar: bool | None
    batch_size: int | None
    normalize_embeddings: bool
    convert_to_tensor: bool
