"""Figures are medians of what was measured, and nothing where nothing was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biolord_bench.peers.journal import Entry, Journal
from biolord_bench.peers.rows import OURS, PEERS, REFERENCE, choose
from biolord_bench.peers.summary import results
from biolord_bench.peers.tables import JSON, rows_of
from biolord_bench.peers.vectors import agreement

PEER = next(row for row in PEERS if row.name == REFERENCE)
HUB = next(row for row in PEERS if row.asks_hub)


def start(row: str, repeat: int, milliseconds: float) -> Entry:
    """An entry of a start."""
    figures = ("import_ms", "load_ms", "first_vector_ms", "process_ms", "resident_mb", "private_mb", "shared_mb")
    more = {"idle_cpu_percent": 0.0, "max_length": 384.0, "peak_mb": 10 * milliseconds}
    texts = {"tool": "1.0", "engine": None, "python": "3.11.9"}
    return Entry(row, repeat, "start", {**dict.fromkeys(figures, milliseconds), **more, **texts})


def bulk(row: str, repeat: int, seconds: float) -> Entry:
    """An entry of a bulk workload: 100 texts of 10 tokens."""
    data = {"texts": 100.0, "tokens": 1000.0, "seconds": seconds, "cpu_s": 2 * seconds, "peak_mb": 7.0}
    return Entry(row, repeat, "names", dict(data))


@pytest.fixture
def summary(tmp_path: Path) -> dict[str, JSON]:
    """Rows of results by name: two repeats of a reference, a row that asks the hub, and one that failed."""
    vectors = np.eye(4, dtype=np.float32)
    for name in ("all", "alone", "batch"):
        np.save(tmp_path / f"vectors-{name}.npy", vectors)
    rows = [PEER, HUB, OURS[0], OURS[1]]
    with Journal(tmp_path / "journal.jsonl") as journal:
        for repeat, seconds in enumerate((1.0, 4.0)):
            journal.add(start(PEER.name, repeat, 10 * (repeat + 1)))
            journal.add(bulk(PEER.name, repeat, seconds))
            journal.add(Entry(PEER.name, repeat, "queries", {"ms": [1.0 + repeat, 2.0 + repeat, 9.0 + repeat]}))
        journal.add(Entry(PEER.name, 0, "vectors", {"file": str(tmp_path / "vectors")}))
        journal.add(Entry(PEER.name, 0, "contend", None, "RuntimeError: Infer Request is busy"))
        journal.add(start(HUB.name, 0, 5))
        journal.add(Entry(OURS[0].name, 0, "start", None, "ArtifactError: not there"))
        found = results(rows, journal, {}, {}, machine={"cpu": "x"}, threads=2, repeats=2)
    assert found["format"] == 1
    return {str(row["name"]): row for row in rows_of(found)}


def test_figures_are_medians_of_the_repeats(summary: dict[str, JSON]) -> None:
    """Rates are medians of rates, latencies medians of percentiles, a peak the highest of all steps."""
    row = summary[REFERENCE]
    assert row["tool"] == "sentence-transformers 1.0"
    assert row["engine"] == "torch"
    assert row["start"] == dict.fromkeys(("import_ms", "load_ms", "first_vector_ms", "process_ms"), 15)
    assert row["bulk"] == [
        {
            "workload": "names",
            "texts": 100,
            "texts_per_s": 62.5,
            "tokens_per_s": 625,
            "cpu_s_per_1000": 50,
            "repeats_texts_per_s": [100, 25],
        }
    ]
    assert row["query"] == {
        "texts": 3,
        "p50_ms": 2.5,
        "p95_ms": pytest.approx(8.8),
        "p99_ms": pytest.approx(9.36),
        "repeats_p50_ms": [2, 3],
    }
    assert row["memory"] == {"after_queries_mb": 15, "private_mb": 15, "shared_mb": 15, "peak_mb": 200}
    assert row["fidelity"] == {"mean": 1, "minimum": 1, "texts": 4, "against": REFERENCE}
    assert row["batch_dependence"] == {"mean": 0, "worst": 0, "texts": 4}


def test_a_step_that_failed_leaves_a_note(summary: dict[str, JSON]) -> None:
    """The row keeps its other figures."""
    assert summary[REFERENCE]["query_during_bulk"] is None
    assert summary[REFERENCE]["notes"] == ["contend: RuntimeError: Infer Request is busy"]


def test_a_start_that_is_the_networks_is_not_shown(summary: dict[str, JSON]) -> None:
    """It would say more about the line than about the tool."""
    assert summary[HUB.name]["start"] is None
    assert summary[HUB.name]["memory"] is not None
    assert "hub" in str(summary[HUB.name]["notes"])


def test_rows_without_figures_say_why(summary: dict[str, JSON]) -> None:
    """A failure is told; a row that wasn't reached isn't passed off as measured."""
    assert summary[OURS[0].name]["error"] == "ArtifactError: not there"
    assert summary[OURS[1].name]["error"] == "not measured"
    assert summary[OURS[1].name]["memory"] is None


def test_vectors_are_compared_by_direction() -> None:
    """Length doesn't count; different shapes are refused."""
    vectors = np.array([[3.0, 0.0], [0.0, 2.0]], dtype=np.float32)
    others = np.array([[1.0, 0.0], [1.0, 1.0]], dtype=np.float32)
    found = agreement(vectors, others)
    assert (found.mean, found.minimum) == pytest.approx(((1 + 0.5**0.5) / 2, 0.5**0.5))
    with pytest.raises(ValueError, match=r"vectors are \(2, 2\), the reference \(1, 2\)"):
        agreement(vectors, others[:1])


def test_rows_are_chosen_by_parts_of_their_names() -> None:
    """A part that fits nothing is refused with all names."""
    assert choose(peers=False, wanted=None) == OURS
    assert [row.name for row in choose(peers=True, wanted="qint8, cpu-fp32")] == [
        "biolord-onnx cpu-fp32",
        "sentence-transformers onnx qint8",
        "fastembed qint8",
        "onnxruntime by hand qint8",
    ]
    with pytest.raises(ValueError, match=r"no row is called 'nosuch'; there are: biolord-onnx cpu-int8"):
        choose(peers=False, wanted="cpu,nosuch")


def test_rows_have_names_of_their_own() -> None:
    """Journals and logs are kept by name."""
    names = [row.name for row in (*OURS, *PEERS)]
    assert len(set(names)) == len(names)
