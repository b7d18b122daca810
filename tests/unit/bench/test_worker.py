"""The process that measures."""

from __future__ import annotations

import io
import sys
import time
from dataclasses import replace
from pathlib import Path

import onnxruntime
import pytest

from biolord_bench.protocol import Answer, Grid, Request, workloads_from_json, workloads_to_json
from biolord_bench.worker import main
from biolord_bench.workloads import Workload, generate
from unit.bench.sample import write_layered_artifact
from unit.runtime.tiny_artifact import DIM, tiny_manifest, write_tiny_artifact

BULK = [generate("names", 50), generate("mixed", 10)]


def request(folder: Path) -> Request:
    """Ask for everything there is."""
    return Request(
        artifact=str(folder),
        provider="cpu",
        threads=1,
        spinning=False,
        started=time.monotonic(),
        queries=("cat", "dog bite"),
        time_queries=True,
        idle_seconds=0.01,
        details=True,
        grid=Grid((1,), (8,)),
        reference=None,
    )


def work(asked: Request, bulk: list[Workload]) -> tuple[int, str, str]:
    """Run the worker's main in this process; return exit code, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    code = main(io.StringIO(f"{asked.to_json()}\n{workloads_to_json(bulk)}\n"), out, err)
    return code, out.getvalue(), err.getvalue()


def answer(asked: Request, bulk: list[Workload]) -> Answer:
    """Run the worker, which has to succeed."""
    code, out, err = work(asked, bulk)
    assert (code, err) == (0, "")
    assert out.count("\n") == 1
    return Answer.from_json(out)


def test_it_measures_everything(tiny: Path) -> None:
    """All figures that were asked for, of the artefact as it ran."""
    got = answer(request(tiny), BULK)
    row = got.row
    assert (row.name, row.provider, row.threads, row.target) == ("tiny-cpu-fp32", "cpu", 1, "cpu-fp32")
    assert row.engine == f"onnxruntime {onnxruntime.__version__}"
    assert row.python == ".".join(map(str, sys.version_info[:3]))
    assert row.file_mb == pytest.approx(sum(path.stat().st_size for path in tiny.iterdir()) / 1e6, rel=0.3)
    assert [bulk.workload for bulk in row.bulk or ()] == ["names", "mixed"]
    assert set(got.tokens) == {"queries", "names", "mixed"}
    figures = (row.start, row.query, row.query_during_bulk, row.memory, row.idle_cpu_percent, row.stages, row.grid)
    assert None not in figures
    assert row.error is None


def test_the_start_adds_up(tiny: Path) -> None:
    """Import, load and first vector are parts of the time since the process was asked for."""
    start = answer(request(tiny), BULK).row.start
    assert start is not None
    parts = (start.import_ms, start.load_ms, start.first_vector_ms)
    assert None not in parts
    assert start.process_ms is not None
    assert sum(part or 0 for part in parts) <= start.process_ms


def test_it_measures_only_what_is_asked_for(tiny: Path) -> None:
    """Without workloads, latencies and details there remain start, memory and idling."""
    asked = replace(request(tiny), time_queries=False, details=False, grid=None)
    got = answer(asked, [])
    row = got.row
    assert (row.query, row.bulk, row.query_during_bulk, row.stages, row.grid, row.roofline, row.fidelity) == (None,) * 7
    assert None not in (row.start, row.memory, row.idle_cpu_percent)
    assert (got.macs_per_token, got.integer) == (0, False)


def test_details_without_bulk_have_no_stages(tiny: Path) -> None:
    """There is no bulk run whose time could be split, and no layer whose peak could be measured."""
    row = answer(replace(request(tiny), grid=None), []).row
    assert (row.stages, row.grid, row.roofline) == (None, None, None)


def test_fidelity_is_measured_against_a_reference(tiny: Path) -> None:
    """On texts of three kinds, on the provider that was measured."""
    fidelity = answer(replace(request(tiny), reference=str(tiny)), []).row.fidelity
    assert fidelity is not None
    assert fidelity.mean == pytest.approx(1)
    assert (fidelity.texts, fidelity.against) == (360, "tiny-cpu-fp32")


@pytest.mark.parametrize(
    ("provider", "message"),
    [("cuda", "provider cuda is not in this onnxruntime"), ("gpu", "provider is 'gpu', expected auto or one of")],
)
def test_an_error_is_one_line(tiny: Path, provider: str, message: str) -> None:
    """On stderr, with the exit code of a command, and no figure."""
    code, out, err = work(replace(request(tiny), provider=provider), BULK)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert message in err


def test_an_artefact_that_was_changed_is_not_measured(tiny_copy: Path) -> None:
    """Hashes are compared, as every start does."""
    (tiny_copy / "NOTICE").write_text("Random digits..\n", encoding="utf-8")
    code, _, err = work(request(tiny_copy), BULK)
    assert code == 2
    assert "was changed after the export" in err


def test_messages_survive_their_line(tiny: Path) -> None:
    """Requests, texts and answers are read as they were written."""
    asked = replace(request(tiny), reference="elsewhere")
    assert Request.from_json(asked.to_json()) == asked
    without = replace(asked, grid=None, reference=None)
    assert Request.from_json(without.to_json()) == without
    bulk = [*BULK, Workload("notes", ('with "quotes"\nand a newline', "é"))]
    assert workloads_from_json(workloads_to_json(bulk)) == bulk
    assert "\n" not in workloads_to_json(bulk)


def test_a_graph_with_layers_gets_a_roofline(tmp_path: Path) -> None:
    """Its multiplications are counted in the file, and peaks measured at their shapes."""
    got = answer(replace(request(write_layered_artifact(tmp_path / "layered")), grid=None), BULK[:1])
    assert (got.macs_per_token, got.integer) == (DIM * DIM, False)
    assert got.row.roofline is not None
    assert None not in (got.row.roofline.int8_gops, got.row.roofline.float32_gops)
    assert (got.row.roofline.bulk_gops, got.row.roofline.share) == (None, None)


def test_the_name_is_the_manifests(tmp_path: Path) -> None:
    """Whatever the folder is called."""
    folder = write_tiny_artifact(tmp_path / "folder", replace(tiny_manifest(), name="other"))
    assert answer(replace(request(folder), grid=None, time_queries=False), []).row.name == "other"
