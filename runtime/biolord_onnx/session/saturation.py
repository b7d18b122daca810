"""Whether onnxruntime's 8-bit matmul is exact on this CPU, found out by asking the kernels themselves.

Without integer dot products, x86 kernels multiply unsigned by signed bytes with ``vpmaddubsw``, which adds pairs of
products in 16 bits: 255 · 127 twice is 64,770 and becomes 32,767, without a word. What a system says of its CPU can't
be relied on: under emulation ``/proc/cpuinfo`` shows the host's flags. Nor do flags tell what a kernel makes of them:
x86 CPUs older than AVX2 get kernels that are exact. And a kernel may just be wrong: those of onnxruntime 1.21 to 1.24
for AMX are where a product has 32 rows or more and its last columns don't fill the tiles.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.session.options import LOG_ERRORS_ONLY

# Neither fills the tiles of AMX, 64 inputs by 16 outputs, of which kernels take two at once: the rest of the outputs
# is less than a tile or more than one, and comes after none, one or, as in a model's layers, several blocks of 128.
INPUTS = 112
WIDTHS = (8, 24, 40, 56, 152)
# One token has a kernel of its own; more fill a tile's rows in part, whole, one and a half times, and so on.
TOKENS = (1, 4, 16, 24, 32, 40, 48, 56)
LARGEST_INPUT, LARGEST_WEIGHT = 255, 127
SATURATED_PAIR = 32_767

# A zlib-compressed ONNX model (IR 8, opset 17 and com.microsoft 1) of two MatMulIntegerToFloat nodes for each width,
# for weights come in two ways: "packed…" multiplies the graph's uint8 input "tokens" [count, 112] with the initializer
# "weight…", int8, which onnxruntime repacks at load, and which holds zeros until `probe_weight` takes their place;
# "unpacked…" with the graph's int8 input "rows…", as without repacking. Scales are 1, zero points 0. `make_model` in
# tests/unit/runtime/session/test_saturation.py makes it anew.
_MODEL = """
eNrt3d1r2mAUx3Gjtnl8OtuYtUwGe/VGcjFUokhvBrkYLFDG2K68szbrSlsf0UhhV7npP7DC6D+1/2nxJYnVCLXs5WLfD+iF5/Dj+GAwCHKEOPwZZOUH
ue2rc68/kvqVd3b61W/LnOp7s6f8N2+oTH3Q7Z17J+3X+0dd/2h88b7ve6fe8LN6d6G6/mGxpy7fXJ71hmqkvvgLgVtDdTVajSuM+xsFfowDxWzChr2S
KWaJDXvTyO3JjCmBMhpy88j5lHZt3ZR27UFTpgTGU24eOZ+y2Vo3ZbP1oClTAuMp7xv5KY4szKasNxurH6NZZljaNFSfzJkWuRMNet/Q8KyG6mTc80fW
d10MhDByTnQZuYGeAfDPWDcH4UVZDi/K+JvDDQ44FwAAAPzdu9JKeFdaTe5K7ZobVDgXAAAAAACAP8u6qYuBaCe/yjRbblDnXAAAAAAAAAAAwO9m/bjW
xEDcakbOSf4L6QbXGmcDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwf7OKhuZMdme7+UwmeGvtGFlnukXb1TKdZ9GubfOxLImsWZS6udVT474vs2LQeTJf
DW/uykciZ4rJi+FDdMrRPvalSjmq2LWlSjWqNFtLlXbnabzp29yTxbBUmJZy4lY7fi6jrfbTEbW7I4rjlzJZU5/e8ULGS+fTGsrHr+TCEvn0ljgjfF8p
DdXFjHUtcUZ4AikN7cWM9S3JNnVzX5phx27SMT2wilzcjp7e5ORlxig5JXl3S7qh/QIcQJrV
"""

Sums = NDArray[np.float32]
Weight = NDArray[np.int8]


class Runs(Protocol):
    """The part of ``onnxruntime.InferenceSession`` that is used here."""

    def run(self, output_names: list[str], input_feed: Mapping[str, NDArray[np.uint8] | Weight]) -> list[Sums]:
        """Run the graph."""


@dataclass(frozen=True, slots=True)
class ProductSum:
    """What the 8-bit kernels made of sums of large products.

    Attributes:
        found: Their result, of several the one furthest off.
        expected: The exact one.
        saturated: Whether that is what is left of a sum whose pairs were cut at 16 bits.
    """

    found: float
    expected: float
    saturated: bool = False

    @property
    def exact(self) -> bool:
        """Whether every kernel added up exactly."""
        return self.found == self.expected


def probe_model() -> bytes:
    """Return the ONNX model that `measure_products` runs."""
    return zlib.decompress(base64.b64decode(_MODEL))


def probe_weight(width: int) -> Weight:
    """Make a weight, int8 [112, width]: no two columns within 54 are alike, so that one taken for another shows.

    Two neighboring inputs have the same weight, at least 66, so that with `probe_tokens` each pair of products is
    beyond 16 bits.
    """
    pairs, columns = np.arange(INPUTS)[:, np.newaxis] // 2, np.arange(width)
    return (LARGEST_WEIGHT - pairs % 8 - columns * 5 % 54).astype(np.int8)


def probe_tokens(count: int) -> NDArray[np.uint8]:
    """Make inputs, uint8 [count, 112], no row like the next one."""
    rows = (LARGEST_INPUT - np.arange(count) % 3).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(rows[:, np.newaxis], (count, INPUTS)))


@cache
def measure_products(ort: ModuleType) -> ProductSum:
    """Multiply large inputs by large weights in onnxruntime's 8-bit CPU kernels, once per process.

    Takes a few milliseconds, beyond what the first session of a process costs anyhow.

    Args:
        ort: The module onnxruntime.

    Raises:
        Exception: onnxruntime's own, if it can't run the operator.
    """
    weights = {width: probe_weight(width) for width in WIDTHS}
    # The session reads them where they are: they have to outlive it.
    packed = [ort.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = LOG_ERRORS_ONLY
    for width, value in zip(WIDTHS, packed, strict=True):
        options.add_initializer(f"weight{width}", value)
    session = ort.InferenceSession(probe_model(), options, providers=["CPUExecutionProvider"])
    found = [_furthest_off(sums, exact) for count in TOKENS for sums, exact in _products(session, count, weights)]
    return max(found, key=lambda one: abs(one.found - one.expected))


def _products(session: Runs, count: int, weights: Mapping[int, Weight]) -> Iterator[tuple[Sums, Sums]]:
    """Multiply so many tokens with each weight in both ways; give what came out, and what is right."""
    tokens = probe_tokens(count)
    names = [f"{way}{width}" for width in weights for way in ("packed", "unpacked")]
    rows = {f"rows{width}": weight for width, weight in weights.items()}
    exact = [tokens.astype(np.float32) @ weight.astype(np.float32) for weight in weights.values() for _ in range(2)]
    yield from zip(session.run(names, {"tokens": tokens, **rows}), exact, strict=True)


def _furthest_off(sums: Sums, exact: Sums) -> ProductSum:
    place = np.unravel_index(np.argmax(np.abs(sums - exact)), exact.shape)
    wrong = sums != exact
    saturated = bool(wrong.any() and (sums[wrong] == INPUTS // 2 * SATURATED_PAIR).all())
    return ProductSum(float(sums[place]), float(exact[place]), saturated)
