"""Whether onnxruntime's 8-bit matmul is exact on this CPU, found out by asking the kernels themselves.

Without integer dot products, x86 kernels multiply unsigned by signed bytes with ``vpmaddubsw``, which adds pairs of
products in 16 bits: 255 · 127 twice is 64,770 and becomes 32,767, without a word. What a system says of its CPU can't
be relied on: under emulation ``/proc/cpuinfo`` shows the host's flags. Nor do flags tell what a kernel makes of them:
x86 CPUs older than AVX2 get kernels that are exact.
"""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from biolord_onnx.session_options import LOG_ERRORS_ONLY

INPUTS, OUTPUTS = 64, 32
LARGEST_INPUT, LARGEST_WEIGHT = 255, 127
# One token has a kernel of its own, and few tokens another than many.
TOKENS = (1, 4, 32)


# A zlib-compressed ONNX model (IR 8, opset 17 and com.microsoft 1) of two MatMulIntegerToFloat nodes, for weights come
# in two ways: "packed" multiplies the graph's uint8 input "tokens" [count, 64] with the initialiser "weight", int8
# [64, 32] of nothing but 127, which onnxruntime repacks at load; "unpacked" with the graph's int8 input "rows"
# [64, 32], as without repacking. Scales are 1, zero points 0. `make_model` in tests/unit/runtime/test_saturation.py
# makes it anew.
_MODEL = """
eNrj4LC6KMTly8VWkp+dmlfMxVaempmeUcLFnJ+XCiFYqlKL8oXYChKTs1NTlER8E0t8S3M880pS01OLQvLdcvITS6x4k/Nz9XIzk4vyi/PTSp
CMYynKLy/GMIyjNI8E44S4ihNLSosSSzLz87QmCnA4cCgIMDtBHerVIFA/CkbBKBgFo2AUjIIRB7R4BRidQK0LLxYGhgZ7LW4BJidwO8OLkSFK
FtYUERLmEuRgEuLlYhdiTc4vzSvhYuJwiBKDtFCE+Lh4OJiFOEBiQKyQBNQGaaGAtTGialNIkueCN2GwKnBi4WIQEHQS5EJtyQgwAgCSHFjB
"""


@dataclass(frozen=True, slots=True)
class ProductSum:
    """What the 8-bit kernels made of a sum of the largest products.

    Attributes:
        found: their result, of several the one furthest off.
        expected: the exact one.
    """

    found: float
    expected: float

    @property
    def exact(self) -> bool:
        """Whether every kernel added up exactly."""
        return self.found == self.expected


def probe_model() -> bytes:
    """Return the ONNX model that `measure_products` runs."""
    return zlib.decompress(base64.b64decode(_MODEL))


@cache
def measure_products(ort: ModuleType) -> ProductSum:
    """Multiply the largest inputs by the largest weights in onnxruntime's 8-bit CPU kernels, once per process.

    Takes about a millisecond, beyond what the first session of a process costs anyhow.

    Args:
        ort: the module onnxruntime.

    Raises:
        Exception: onnxruntime's own, if it can't run the operator.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = LOG_ERRORS_ONLY
    session = ort.InferenceSession(probe_model(), options, providers=["CPUExecutionProvider"])
    rows = np.full((INPUTS, OUTPUTS), LARGEST_WEIGHT, dtype=np.int8)
    expected = float(INPUTS * LARGEST_INPUT * LARGEST_WEIGHT)
    found = expected
    for count in TOKENS:
        tokens = np.full((count, INPUTS), LARGEST_INPUT, dtype=np.uint8)
        for sums in session.run(None, {"tokens": tokens, "rows": rows}):
            found = max(found, float(sums.min()), float(sums.max()), key=lambda value: abs(value - expected))
    return ProductSum(found, expected)
