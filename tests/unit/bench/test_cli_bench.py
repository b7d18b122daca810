"""``biolord bench``."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_bench.results import Results
from biolord_bench.run import Job, Plan
from unit.bench.sample import failed_row, results, row
from unit.runtime.command import Biolord, run_process
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give a file of results."""
    path = tmp_path / "a.json"
    path.write_text(results(row()).to_json(), encoding="utf-8")
    return path


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    """Catch the plan instead of running it; the last one is what the command asked for."""
    plans: list[Plan] = []

    def note(jobs: list[Job], plan: Plan, report: object) -> Results:
        assert jobs
        assert callable(report)
        plans.append(plan)
        return results(row())

    monkeypatch.setattr("biolord_bench.run.run_bench", note)
    return plans


def test_it_measures(tiny: Path, tmp_path: Path) -> None:
    """As a process: a table on stdout, progress on stderr, and the same in every form that was asked for."""
    places = [tmp_path / f"r.{ending}" for ending in ("json", "md", "html")]
    texts = tmp_path / "notes.txt"
    texts.write_text("cat bite\n\nfever\n", encoding="utf-8")
    options = ("--quick", "--repeats", "1", "--threads", "1", "--workload", f"queries,{texts}", "--spin")
    forms = ("--json", places[0], "--markdown", places[1], "--html", places[2])
    outcome = run_process("bench", tiny, *options, *forms)
    assert outcome.code == 0, outcome
    assert outcome.out.startswith("machine  ")
    assert "tiny-cpu-fp32" in outcome.out
    assert outcome.err == "repeat 1 of 1, row 1 of 1: tiny-cpu-fp32, cpu, 1 thread\n"
    measured = Results.from_json(places[0].read_text(encoding="utf-8"), places[0])
    assert measured.settings.spinning
    assert set(measured.workloads) == {"queries", str(texts)}
    assert measured.workloads[str(texts)].texts == 2
    assert places[1].read_text(encoding="utf-8").startswith("# biolord bench\n")
    assert places[2].read_text(encoding="utf-8").startswith("<!doctype html>\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "r.html", "r.json", "r.md"]


def test_a_row_without_figures_is_told_in_the_exit_code(biolord: Biolord, tmp_path: Path) -> None:
    """1: the table is there, and says why a row is empty."""
    folder = write_tiny_artifact(tmp_path / "gpu", replace(tiny_manifest(), target="cuda-fp16"))
    outcome = biolord("bench", folder, "--quick", "--repeats", 1)
    assert outcome.code == 1
    assert "no installed provider runs a cuda-fp16 artefact" in outcome.out
    assert "failed: no installed provider" in outcome.err


def test_a_provider_that_is_not_there_is_refused(biolord: Biolord, tiny: Path) -> None:
    """Before anything runs, with what is there instead."""
    biolord("bench", tiny, "--providers", "cpu,cuda").assert_error(
        "provider cuda is not in this onnxruntime, which has"
    )


def test_the_full_plan(biolord: Biolord, tiny: Path, planned: list[Plan]) -> None:
    """All generated texts and the grid, three processes, all installed providers, no spinning."""
    assert biolord("bench", tiny).code == 0
    (plan,) = planned
    assert [(one.name, len(one.texts)) for one in plan.bulk] == [("names", 5000), ("passages", 64), ("mixed", 256)]
    assert (plan.providers, plan.repeats, plan.spinning, plan.reference) == (None, 3, False, None)
    assert plan.grid is not None
    assert (plan.grid.batches, plan.grid.lengths) == ((1, 8, 32), (8, 16, 32, 64, 128, 256))
    assert plan.time_queries


def test_a_chosen_plan(biolord: Biolord, tiny: Path, planned: list[Plan]) -> None:
    """What is named is measured, doubles once."""
    chosen = ("--workload", "names,names", "--workload", "grid", "--threads", "2,1,2", "--providers", "cpu,cpu")
    assert biolord("bench", tiny, *chosen, "--quick", "--reference", tiny).code == 0
    (plan,) = planned
    assert [one.name for one in plan.bulk] == ["names"]
    assert (plan.threads, plan.providers, plan.time_queries) == ((2, 1), ("cpu",), False)
    assert (plan.repeats, plan.reference) == (2, str(tiny))
    assert plan.grid is not None


def test_without_grid(biolord: Biolord, tiny: Path, planned: list[Plan]) -> None:
    """Which takes longest."""
    assert biolord("bench", tiny, "--workload", "queries").code == 0
    assert planned[0].grid is None
    assert planned[0].bulk == ()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no artefact given"),
        (("{tiny}", "{tiny}"), "an artefact is given twice"),
        (("{tiny}/nowhere",), "nowhere does not exist, expected the artefact folder"),
        (("{tiny}", "--reference", "nowhere"), "nowhere does not exist"),
        (("{tiny}", "--repeats", "0"), "--repeats is 0, expected 1 or more"),
        (("{tiny}", "--threads", "0"), "--threads 0 is not a number of threads"),
        (("{tiny}", "--threads", "two"), "--threads two is not a number of threads: give a whole number of 1 to 1024"),
        (("{tiny}", "--providers", "cpu,,cuda"), "'cpu,,cuda' has an empty part"),
        (
            ("{tiny}", "--workload", "poems"),
            "workload 'poems' is neither names, queries, passages, mixed, grid nor a file",
        ),
        (("{tiny}", "--json", "nowhere/r.json"), "the folder nowhere of r.json does not exist: make it first"),
        (("{tiny}", "--json", "-", "--markdown", "-"), "- is given twice as a place for results"),
        (("{tiny}", "--html", "-"), "--html takes a file"),
        (("{tiny}", "--merge", "{saved}"), "--merge joins results and measures nothing: leave out"),
        (("--merge", "nowhere.json"), "nowhere.json: No such file"),
    ],
)
def test_a_wrong_option_is_refused(
    biolord: Biolord, tiny: Path, saved: Path, options: tuple[str, ...], message: str
) -> None:
    """In one line, before anything runs."""
    biolord("bench", *(option.format(tiny=tiny, saved=saved) for option in options)).assert_error(message)


def test_an_empty_file_of_texts_is_refused(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """There is nothing to measure in it."""
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    biolord("bench", tiny, "--workload", tmp_path / "empty.txt").assert_error("has no text")


@pytest.mark.parametrize(("package", "options"), [("psutil", ()), ("matplotlib", ("--html", "r.html"))])
def test_a_missing_extra_is_named(
    biolord: Biolord, tiny: Path, monkeypatch: pytest.MonkeyPatch, package: str, options: tuple[str, ...]
) -> None:
    """Before minutes of measuring."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    outcome = biolord("bench", tiny, *options)
    outcome.assert_error(f"biolord bench needs {package}: pip install 'biolord-onnx[cpu,bench]'")


def test_files_are_merged(biolord: Biolord, saved: Path, tmp_path: Path) -> None:
    """Without an artefact; a row without figures was told of when it was measured."""
    other = tmp_path / "b.json"
    other.write_text(results(row("other", speed=2.0), failed_row()).to_json(), encoding="utf-8")
    outcome = biolord("bench", "--merge", saved, other, "--json", "-")
    assert (outcome.code, outcome.err) == (0, "")
    assert [one["name"] for one in json.loads(outcome.out)["rows"]] == ["tiny-cpu-int8", "other", "tiny-cuda-fp16"]


def test_merging_shows_a_table_and_writes_a_page(biolord: Biolord, saved: Path, tmp_path: Path) -> None:
    """An older file of the name is replaced."""
    page = tmp_path / "report.html"
    page.write_text("old", encoding="utf-8")
    outcome = biolord("bench", "--merge", saved, "--html", page)
    assert outcome.code == 0
    assert "Latency" in outcome.out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_markdown_on_standard_output_is_alone(biolord: Biolord, saved: Path) -> None:
    """No table for people around it."""
    outcome = biolord("bench", "--merge", saved, "--markdown", "-")
    assert outcome.out.startswith("# biolord bench\n")
    assert "machine  " not in outcome.out


def test_a_file_that_is_no_results_is_refused(biolord: Biolord, tmp_path: Path) -> None:
    """It may be anything."""
    (tmp_path / "r.json").write_bytes(b"\xff")
    biolord("bench", "--merge", tmp_path / "r.json").assert_error("r.json is not UTF-8: give what biolord bench --json")
    (tmp_path / "r.json").write_bytes(b"{}")
    biolord("bench", "--merge", tmp_path / "r.json").assert_error("r.json: the key format is missing")
