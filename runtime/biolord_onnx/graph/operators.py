"""The operators that exported graphs consist of, with their attributes: one row each.

None of them loops, branches, reads files or runs code. A new operator in the exporter is refused until it stands here;
tests/unit/export/test_listed_operators.py walks every target.
"""

from __future__ import annotations

from collections.abc import Mapping

from biolord_onnx.graph.compiled_operators import COMPILED, DOMAIN

STANDARD, MICROSOFT = "", "com.microsoft"

OPERATORS: Mapping[tuple[str, str], frozenset[str]] = {
    (domain, kind): frozenset(attributes)
    for domain, kind, *attributes in (
        (STANDARD, "Abs"),
        (STANDARD, "Add"),
        (STANDARD, "Cast", "to"),
        (STANDARD, "Concat", "axis"),
        (STANDARD, "CumSum"),
        (STANDARD, "DequantizeLinear", "axis"),
        (STANDARD, "Div"),
        (STANDARD, "Equal"),
        (STANDARD, "Erf"),
        (STANDARD, "Exp"),
        (STANDARD, "Expand"),
        (STANDARD, "Gather", "axis"),
        (STANDARD, "Identity"),
        (STANDARD, "LayerNormalization", "axis", "epsilon"),
        (STANDARD, "Less"),
        (STANDARD, "Log"),
        (STANDARD, "MatMul"),
        (STANDARD, "Max"),
        (STANDARD, "Min"),
        (STANDARD, "Mod"),
        (STANDARD, "Mul"),
        (STANDARD, "Neg"),
        (STANDARD, "NonZero"),
        (STANDARD, "Not"),
        (STANDARD, "Pad"),
        (STANDARD, "QuantizeLinear", "axis"),
        (STANDARD, "Range"),
        (STANDARD, "ReduceL2", "keepdims"),
        (STANDARD, "ReduceMax", "keepdims"),
        (STANDARD, "ReduceSum", "keepdims"),
        (STANDARD, "Relu"),
        (STANDARD, "Reshape", "allowzero"),
        (STANDARD, "Shape", "start", "end"),
        (STANDARD, "Sigmoid"),
        (STANDARD, "Slice"),
        (STANDARD, "Softmax", "axis"),
        (STANDARD, "Split", "axis", "num_outputs"),
        (STANDARD, "Sqrt"),
        (STANDARD, "Squeeze"),
        (STANDARD, "Sub"),
        (STANDARD, "Tanh"),
        (STANDARD, "Transpose", "perm"),
        (STANDARD, "Unsqueeze"),
        (STANDARD, "Where"),
        (MICROSOFT, "Gelu"),
        (MICROSOFT, "MultiHeadAttention", "num_heads"),
        (MICROSOFT, "RotaryEmbedding", "num_heads"),
    )
} | {(DOMAIN, kind): operator.attributes for kind, operator in COMPILED.items()}
