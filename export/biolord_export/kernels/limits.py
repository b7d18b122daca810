"""Which encoders the compiled operators can compute."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_onnx.graph.compiled_operators import LONGEST, LONGEST_ROTARY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from biolord_export.checkpoint.config import EncoderConfig
    from biolord_export.checkpoint.source import Checkpoint

LANES = 64
"""Rows of activations, and of the packed weights, are whole multiples of so many channels."""
HEAD_LANES, ROTARY_HEAD_LANES = 16, 32
WIDEST = 4096
WIDEST_INNER = 16_384
ANY_SIZE = "cpu-fp32"
"""The target whose operators take any size."""


def check_sizes(checkpoint: Checkpoint, target: str) -> None:
    """Refuse a checkpoint that the operators can't compute, before anything of its weights is read.

    Raises:
        ExportError: Names the size, what is expected, and what would work.
    """
    limit = checkpoint.max_length.value
    longest = LONGEST_ROTARY if checkpoint.config.rotary else LONGEST
    if limit > longest:
        raise ExportError(
            f"texts may have {limit} tokens ({checkpoint.max_length.source}), {target} takes {longest} at most: "
            f"give --max-length {longest}, or take --target {ANY_SIZE}"
        )
    for problem in _problems(checkpoint.config):
        raise ExportError(f"{checkpoint.config.path}: {problem} for {target}: take --target {ANY_SIZE}")


def _problems(config: EncoderConfig) -> Iterator[str]:
    for key, found, most in (
        ("hidden_size", config.dim, WIDEST),
        ("embedding_size", config.embedding_dim, WIDEST),
        ("intermediate_size", config.inner_dim, WIDEST_INNER),
    ):
        if found % LANES or not 0 < found <= most:
            yield f"{key} is {found}, expected a multiple of {LANES} up to {most}"
    lanes = ROTARY_HEAD_LANES if config.rotary else HEAD_LANES
    if config.dim // config.heads % lanes:
        yield (
            f"num_attention_heads is {config.heads}, which makes heads of {config.dim // config.heads} channels, "
            f"expected a multiple of {lanes}"
        )
