"""`make bench-cuda` up to the point where it needs a GPU: the same code, on the CPU and its torch."""

from __future__ import annotations

import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from biolord_bench.results.merge import merge_results
from biolord_bench.results.results import Results
from portable.environments import REPOSITORY, interpreter

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """Run it in the environment that has torch, lent what the bench needs besides."""
    folder = tmp_path_factory.mktemp("gpu")
    for package in ("msgspec", "psutil"):
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        (folder / package).symlink_to(Path(spec.origin).parent)
    saved = folder / "cuda.json"
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY / 'benchmarks'}{os.pathsep}{folder}", "HF_HUB_OFFLINE": "1"}
    command: list[str | Path] = [
        interpreter("oracle"),
        "-m",
        "gpu_bench",
        "--json",
        saved,
        "--device",
        "cpu",
        "--sizes",
        "tiny",
        "--quick",
    ]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False), saved


def test_every_way_but_those_of_a_gpu_is_measured(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """The packed and the padded graph are the model, torch's fused attention is, and what was left out is said."""
    outcome, saved = done
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.splitlines() == [
        "seeded-tiny packed: 0 nodes elsewhere",
        "seeded-tiny padded: 0 nodes elsewhere",
        "placement of nodes, CUDA graphs and the bars need a GPU (--device cuda): not checked here",
    ]
    rows = Results.from_json(saved.read_text(encoding="utf-8"), saved).rows
    names = ("packed", "padded", "padded, I/O binding", "torch float16", "torch bfloat16", "torch.compile float16")
    assert [row.name for row in rows] == [f"seeded-tiny {name}" for name in names]
    for row in rows:
        assert row.error is None, row
        assert row.fidelity is not None
        assert row.fidelity.minimum > (0.99 if "bfloat16" in row.name else 0.9999), row
        assert row.query is not None
        assert [bulk.workload for bulk in row.bulk] == ["names", "definitions"]
        assert [(cell.batch, cell.length) for cell in row.grid] == [(1, 16), (4, 16)]


def test_bench_joins_what_it_wrote(done: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """With itself, as with a bench of the same machine."""
    results = Results.from_json(done[1].read_text(encoding="utf-8"), done[1])
    assert len(merge_results([("a", results), ("b", results)]).rows) == len(results.rows)
