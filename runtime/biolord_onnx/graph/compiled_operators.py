"""The compiled operators as graphs name them, one row each; kernels/README.md specifies what they compute.

What an artifact is checked for before onnxruntime sees it. The operators check shapes and values themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from biolord_onnx.errors import ArtifactError
from biolord_onnx.printable import escape

DOMAIN = "biolord"
VERSIONS: Mapping[str, int] = {DOMAIN: 1}
"""Domains of compiled operators that this biolord-onnx has, and the version of each."""
LONGEST = 512
"""Tokens of a text, at most."""
LONGEST_ROTARY = 8192
"""The same where positions are rotary."""

# ONNX's numbers of element types.
_FLOAT, _INT8, _INT32 = 1, 3, 6


@dataclass(frozen=True, slots=True)
class CompiledOperator:
    """An operator of the domain.

    Attributes:
        attributes: That it may be given.
        values: How many inputs come first that other operators compute, or the caller gives.
        more_values: How many of those may follow where there are no constants.
        constants: Element types of the inputs behind those, which must be initializers.
        optional: How many of the constants, the last ones, may be left out.
        outputs: How many.
    """

    attributes: frozenset[str]
    values: int
    constants: tuple[int, ...] = ()
    optional: int = 0
    outputs: int = 1
    more_values: int = 0


_LINEAR = (_INT8, _FLOAT)
COMPILED: Mapping[str, CompiledOperator] = {
    # table, scales, positions, norm
    "Embed": CompiledOperator(
        frozenset({"epsilon", "first_position", "pad_id"}), 2, (_INT8, _FLOAT, _FLOAT, _FLOAT), outputs=2
    ),
    # the same, and a table of token types
    "EmbedPairs": CompiledOperator(
        frozenset({"epsilon", "first_position", "pad_id"}), 3, (_INT8, _FLOAT, _FLOAT, _FLOAT, _FLOAT), outputs=2
    ),
    # smoothing, queries with keys and values, output, norm; position bias, scales of groups of both
    "Attention": CompiledOperator(
        frozenset({"epsilon", "heads", "value_activation_bits"}),
        2,
        (_FLOAT, *_LINEAR, *_LINEAR, _FLOAT, _FLOAT, _INT8, _INT8),
        optional=3,
    ),
    # smoothing, first, second, norm, widths of groups; scales of groups of both
    "FeedForward": CompiledOperator(
        frozenset({"epsilon"}), 1, (_FLOAT, *_LINEAR, *_LINEAR, _FLOAT, _INT32, _INT8, _INT8), optional=2
    ),
    "Pool": CompiledOperator(frozenset({"mode"}), 2, outputs=2, more_values=1),
    # packed, bias
    "Dense": CompiledOperator(frozenset({"activation", "width"}), 1, (_FLOAT, _FLOAT)),
    "Unit": CompiledOperator(frozenset(), 1),
    # dense, its bias, output, its bias
    "Score": CompiledOperator(frozenset({"activation"}), 2, (_FLOAT,) * 4),
    # table, scales, norm
    "EmbedTokens": CompiledOperator(frozenset({"epsilon"}), 2, (_INT8, _FLOAT, _FLOAT), outputs=2),
    # smoothing, weights
    "Project": CompiledOperator(frozenset(), 1, (_FLOAT, *_LINEAR)),
    "LayerNorm": CompiledOperator(frozenset({"epsilon"}), 1, (_FLOAT,)),
    # norm, queries with keys and values, output, turns; scales of groups of both
    "RotaryAttention": CompiledOperator(
        frozenset({"epsilon", "heads", "normalized", "value_activation_bits", "window"}),
        2,
        (_FLOAT, *_LINEAR, *_LINEAR, _FLOAT, _INT8, _INT8),
        optional=2,
    ),
    # norm, first, second; scales of groups of both
    "GatedFeedForward": CompiledOperator(
        frozenset({"epsilon", "groups"}), 1, (_FLOAT, *_LINEAR, *_LINEAR, _INT8, _INT8), optional=2
    ),
}
EMBEDS = ("Embed", "EmbedPairs", "EmbedTokens")
TABLE, POSITIONS = 0, 2
"""Places among the constants: of all that embed, and of Embed and EmbedPairs."""
POSITION_BIAS, TURNS, PROJECTED = 8, 7, 3
"""Places among the inputs: of Attention, RotaryAttention and Project."""


def check_known(operators: Mapping[str, int], source: str) -> None:
    """Refuse an artifact that needs compiled operators which came after this biolord-onnx.

    Args:
        operators: Domains that its manifest requires, and the version of each.
        source: Of the manifest, for messages.

    Raises:
        ArtifactError: A domain is unknown, or of another version; names both and how to upgrade.
    """
    for domain, version in operators.items():
        if VERSIONS.get(domain) != version:
            here = ", ".join(f"{name} {number}" for name, number in VERSIONS.items())
            wanted = f"{escape(domain)[:60]} {version}"
            raise ArtifactError(
                f"{source}: the artifact needs the compiled operators {wanted}, this biolord-onnx has "
                f"{here}: upgrade with pip install -U biolord-onnx"
            )
