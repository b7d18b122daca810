"""Every target that can be exported: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_export.fidelity import Gate
from biolord_export.graph.builder import FLOAT16, FLOAT32, WIDENED_FLOAT16
from biolord_export.portable.build import build_portable_fp32, build_portable_int8
from biolord_export.quantise.block4 import quantise_block4
from biolord_export.quantise.block8 import quantise_block8
from biolord_export.quantise.float32 import keep_float32
from biolord_export.quantise.static8 import quantise_static8
from biolord_onnx.engine import LOWEST_ONNXRUNTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from biolord_export.calibrate import InputStatistics
    from biolord_export.graph.builder import FloatFormat, GraphBuilder
    from biolord_export.graph.operators import EncoderOperators
    from biolord_export.quantise.report import Quantised
    from biolord_export.source import Checkpoint
    from biolord_export.weights import EncoderWeights

    Quantiser = Callable[[EncoderWeights, Mapping[tuple[int, str], InputStatistics]], Quantised]
    Tracer = Callable[[Checkpoint, EncoderWeights, EncoderOperators], GraphBuilder]

DOT_PRODUCTS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp")
"""CPU features whose 8-bit dot products don't saturate; one of them is enough."""


@dataclass(frozen=True)
class Target:
    """A number format of the graph, and what it takes.

    Attributes:
        name: How users call it.
        scheme: What the manifest calls its number format.
        quantise: Turns weights into operators.
        calibrated: Whether it needs statistics of activations.
        gate: The fidelity it must reach.
        cpu_any_of: CPU features of which one is needed; empty for any CPU.
        onnxruntime: The oldest release that runs it.
        floats: The floating-point format of what isn't quantised.
        twin: The format in which it is measured where its provider is missing; None if every CPU runs it.
        traced: Writes the graph around optimum's trace of the checkpoint; None for the authored graph.
    """

    name: str
    scheme: str
    quantise: Quantiser
    calibrated: bool
    gate: Gate
    cpu_any_of: tuple[str, ...] = ()
    onnxruntime: str = LOWEST_ONNXRUNTIME
    floats: FloatFormat = FLOAT32
    twin: FloatFormat | None = None
    traced: Tracer | None = None


TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target("cpu-int8", "static-int8", quantise_static8, True, Gate(0.998, 0.99, 0.98), DOT_PRODUCTS),
        Target("cpu-int8-block", "block-int8", quantise_block8, False, Gate(0.9995, 0.99, 0.98)),
        Target("cpu-int4", "block-int4", quantise_block4, True, Gate(0.985, 0.95, 0.91)),
        Target(
            "cuda-fp16",
            "float16",
            keep_float32,
            False,
            Gate(0.9999, 0.9995, 0.999),
            floats=FLOAT16,
            twin=WIDENED_FLOAT16,
        ),
        Target("cpu-fp32", "float32", keep_float32, False, Gate(0.999999, 0.999999, 0.999999)),
        Target(
            "portable-int8",
            "static-int8 (QDQ)",
            quantise_static8,
            True,
            Gate(0.985, 0.97, 0.95),
            DOT_PRODUCTS,
            traced=build_portable_int8,
        ),
        Target(
            "portable-fp32",
            "float32",
            keep_float32,
            False,
            Gate(0.999999, 0.999999, 0.999999),
            traced=build_portable_fp32,
        ),
    )
}


def find_target(name: str) -> Target:
    """Look a target up.

    Raises:
        ExportError: There is none of that name; names those there are.
    """
    if name not in TARGETS:
        raise ExportError(f"target is {name!r}, expected one of {', '.join(TARGETS)}")
    return TARGETS[name]
