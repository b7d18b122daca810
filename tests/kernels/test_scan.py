"""The scan of an index finds the same on every kind of kernels."""

from __future__ import annotations

import numpy as np
import pytest

from biolord_onnx.index.native import Found, scanning
from biolord_onnx.index.packing import ROW_MULTIPLE, filled
from biolord_onnx.index.wanted import Wanted
from biolord_onnx.session import kernels
from kernels.running import use
from unit.runtime.index.vectors import clustered, in_memory, near

ROWS = 1100


@pytest.mark.parametrize("low", [True, False])
@pytest.mark.parametrize(("dim", "count"), [(64, 1), (100, 8), (384, 17), (768, 64)])
def test_a_scan_finds_what_the_plain_kind_finds(kind: str, dim: int, count: int, low: bool) -> None:
    """Rows, and what their cosines may be, bit by bit; few queries and many, with filters and groups and without."""
    vectors = clustered(ROWS, dim)
    stored, queries = in_memory(vectors, low=low), near(vectors, count)
    random = np.random.default_rng(5)
    groups, mask = random.integers(0, 200, ROWS).astype(np.int32), random.random(ROWS) < 0.3
    for wanted in (Wanted(10), Wanted(3, 0.5, groups), Wanted(40, groups=groups, mask=mask)):
        found = []
        for name in (kind, "plain"):
            use(name)
            try:
                with scanning(stored, queries, wanted) as scan:
                    scan.look(0, filled(ROWS, ROW_MULTIPLE))
                    found.append(scan.found())
            finally:
                use(kernels.available()[0])
        for mine, true in zip(*found, strict=True):
            assert bits(mine) == bits(true)


def bits(found: Found) -> tuple[bytes, bytes, float]:
    """Return all of what was found."""
    return found.rows.tobytes(), found.highest.tobytes(), found.least
