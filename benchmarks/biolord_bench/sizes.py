"""How much a benchmark measures: in full, and for a first look."""

from __future__ import annotations

from dataclasses import dataclass

from biolord_bench.protocol import Grid
from biolord_bench.workloads import Workload, generate


@dataclass(frozen=True, slots=True)
class Size:
    """Numbers of texts by workload, runs of the grid, processes per row, and seconds of idling."""

    texts: dict[str, int]
    grid: Grid
    repeats: int
    idle_seconds: float

    def generate(self, name: str) -> Workload:
        """Generate a workload of this size."""
        return generate(name, self.texts[name])


FULL = Size(
    {"names": 5000, "queries": 200, "passages": 64, "mixed": 256},
    Grid((1, 8, 32), (8, 16, 32, 64, 128, 256)),
    repeats=3,
    idle_seconds=1.0,
)
QUICK = Size(
    {"names": 500, "queries": 50, "passages": 16, "mixed": 64},
    Grid((1, 8), (8, 32, 128)),
    repeats=2,
    idle_seconds=0.3,
)
