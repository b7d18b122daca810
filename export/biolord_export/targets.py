"""Every target that can be exported: one row each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_export.graph.builder import FLOAT16, WIDENED_FLOAT16
from biolord_export.graph.packing import CUDA_PACKED
from biolord_export.quantize.integer.scheme import quantize_integer4, quantize_integer8
from biolord_export.roads.authored import FloatRoad
from biolord_export.roads.compiled import KernelRoad
from biolord_export.roads.portable import PortableFloatRoad, PortableIntegerRoad
from biolord_export.verification.fidelity import FidelityGate
from biolord_onnx.graph.compiled_operators import VERSIONS
from biolord_onnx.session.engine import LOWEST_ONNXRUNTIME

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biolord_export.roads.road import Road

INT8_FEATURES = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp")
"""CPU features whose 8-bit dot products don't saturate; one of them is enough."""


@dataclass(frozen=True, slots=True)
class Target:
    """A number format of the graph, and what it takes.

    Attributes:
        name: How users call it.
        scheme: What the manifest calls its number format.
        road: What writes its graph.
        gate: The fidelity it must reach.
        calibrated: Whether its road needs statistics of activations.
        operators: Domains of compiled operators that its graphs use, and the version of each. They give the same bits
            on every CPU, whatever else is in a batch.
        cpu_any_of: CPU features of which one is needed; empty for any CPU.
        onnxruntime: The oldest release that runs it.
        cpu_proxy: What writes the graph that is measured where its provider is missing; None if every CPU runs it.
    """

    name: str
    scheme: str
    road: Road
    gate: FidelityGate
    calibrated: bool = False
    operators: Mapping[str, int] = field(default_factory=dict)
    cpu_any_of: tuple[str, ...] = ()
    onnxruntime: str = LOWEST_ONNXRUNTIME
    cpu_proxy: FloatRoad | None = None


EXACT = FidelityGate(0.999999, 0.999999, 0.999999)

TARGETS: Mapping[str, Target] = {
    target.name: target
    for target in (
        Target(
            "cpu-int8",
            "integer8",
            KernelRoad(quantize_integer8),
            FidelityGate(0.999, 0.995, 0.985),
            calibrated=True,
            operators=VERSIONS,
        ),
        Target(
            "cpu-int4",
            "integer4",
            KernelRoad(quantize_integer4),
            FidelityGate(0.99, 0.95, 0.91),
            calibrated=True,
            operators=VERSIONS,
        ),
        Target(
            "cuda-fp16",
            "float16",
            FloatRoad(FLOAT16, CUDA_PACKED),
            FidelityGate(0.9999, 0.9995, 0.999),
            cpu_proxy=FloatRoad(WIDENED_FLOAT16, CUDA_PACKED),
        ),
        Target("cpu-fp32", "float32", FloatRoad(), EXACT),
        Target(
            "portable-int8",
            "static-int8 (QDQ)",
            PortableIntegerRoad(),
            FidelityGate(0.985, 0.97, 0.95),
            calibrated=True,
            cpu_any_of=INT8_FEATURES,
        ),
        Target("portable-fp32", "float32", PortableFloatRoad(), EXACT),
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
