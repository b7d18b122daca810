"""Results with every figure, to render, to merge and to damage."""

from __future__ import annotations

from msgspec.structs import replace

from biolord_bench.results.figures import (
    BatchDependence,
    Bulk,
    Cell,
    Fidelity,
    Latency,
    Memory,
    Query,
    Stages,
    Start,
)
from biolord_bench.results.results import FORMAT, Machine, Results, Row, Settings, WorkloadSize

MACHINE = Machine("Some CPU", ("avx2", "avx512_vnni"), 2, 25_000.0, "Linux 6.1 x86_64")
SETTINGS = Settings(threads=2, spinning=False, repeats=2)
SIZES = {"names": WorkloadSize(1000, 9000, "a" * 64), "queries": WorkloadSize(50, 300, "b" * 64)}


def row(name: str = "tiny-cpu-int8", *, speed: float = 1.0, provider: str = "cpu") -> Row:
    """Make a row with every figure.

    Args:
        name: label.
        speed: of it, in times of the usual.
        provider: of it.
    """
    return Row(
        name=name,
        tool="biolord-onnx 0.1.0",
        engine="onnxruntime 1.32.0",
        python="3.11.7",
        provider=provider,
        threads=2,
        setting="as it comes",
        affinity=(0, 1, 4),
        onnxruntime="1.32.0",
        kernels="amx_int8",
        target="cpu-int8",
        file_mb=113.5,
        max_length=384,
        error=None,
        start=Start(200.0, 100.0, 5.0, 400.0),
        query=Query(50, 8 / speed, 12 / speed, 16 / speed, (8 / speed, 9 / speed)),
        bulk=(
            Bulk("names", 1000, 300 * speed, 2700 * speed, 3.5 / speed, (290 * speed, 310 * speed)),
            Bulk("passages", 16, 10 * speed, 3000 * speed, 190 / speed, (10 * speed,)),
        ),
        query_during_bulk=Latency(20 / speed, 40 / speed, 60 / speed),
        memory=Memory(150.0, 100.0, 50.0, 190.0),
        idle_cpu_percent=0.1,
        stages=Stages(20.0, 960.0, 20.0),
        grid=(Cell(1, 8, 4.0, 2000.0), Cell(8, 8, 20.0, 3200.0), Cell(8, 32, 80.0, 3200.0)),
        fidelity=Fidelity(0.999, 0.9969, 1979, "float32"),
        batch_dependence=BatchDependence(0.0, 0.0, 64),
    )


def failed_row(name: str = "tiny-cuda-fp16", error: str = "no installed provider runs it") -> Row:
    """Make a row without figures."""
    none = dict.fromkeys(("python", "affinity", "onnxruntime", "kernels", "max_length"))
    whole = replace(bare(row(name)), provider="cuda", target="cuda-fp16", error=error, **none)
    return replace(whole, start=None, memory=None, file_mb=113.5)


def results(*rows: Row) -> Results:
    """Make results of some rows; two by default, the second twice as fast and one without figures."""
    chosen = rows or (row(), row("faster", speed=2.0), failed_row())
    return Results(FORMAT, "2026-11-23T03:30:00+00:00", MACHINE, SETTINGS, dict(SIZES), chosen)


def bare(whole: Row) -> Row:
    """Take every figure from a row that a peer might not have."""
    return replace(
        whole,
        target=None,
        file_mb=None,
        start=Start(None, None, None, None),
        query=None,
        bulk=(),
        query_during_bulk=None,
        memory=Memory(None, None, None, None),
        idle_cpu_percent=None,
        stages=None,
        grid=(),
        fidelity=None,
        batch_dependence=None,
    )
