"""``biolord bench``."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_bench.results.results import Results
from biolord_bench.run.options import Options
from biolord_bench.run.steps import QUICK, Budget
from unit.bench.results.sample import failed_row, results, row
from unit.runtime.command import Biolord, run_process
from unit.runtime.tiny_artifact import tiny_manifest, write_tiny_artifact

pytestmark = pytest.mark.slow


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Give a file of results."""
    path = tmp_path / "a.json"
    path.write_text(results(row()).to_json(), encoding="utf-8")
    return path


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Options]:
    """Catch what the command asks for instead of running it."""
    caught: list[Options] = []

    def note(options: Options, report: object) -> Results:
        assert callable(report)
        caught.append(options)
        return results(row())

    monkeypatch.setattr("biolord_bench.run.bench.run_bench", note)
    return caught


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
    assert outcome.err.splitlines()[:2] == [f"repeat 1 of 1  {step:<12} tiny-cpu-fp32" for step in ("start", "tune")]
    measured = Results.from_json(places[0].read_text(encoding="utf-8"), places[0])
    assert measured.settings.spinning
    assert set(measured.workloads) == {"queries", "compared", str(texts)}
    (one,) = measured.rows
    assert (one.setting, one.bulk[0].texts) == ("threads without work spin", 2)
    assert measured.workloads[str(texts)].texts == 2
    assert places[1].read_text(encoding="utf-8").startswith("# biolord bench\n")
    assert places[2].read_text(encoding="utf-8").startswith("<!doctype html>\n")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "r.html", "r.json", "r.md"]


def test_a_row_without_figures_is_told_in_the_exit_code(biolord: Biolord, tmp_path: Path) -> None:
    """1: the table is there, and says why a row is empty."""
    folder = write_tiny_artifact(tmp_path / "gpu", replace(tiny_manifest(), target="cuda-fp16"))
    outcome = biolord("bench", folder, "--quick", "--repeats", 1)
    assert outcome.code == 1
    assert "no installed provider runs a cuda-fp16 artifact" in outcome.out
    assert "start        tiny-cpu-fp32: biolord_onnx.errors.ProviderError: no installed provider" in outcome.err


def test_a_provider_that_is_not_there_is_refused(biolord: Biolord, tiny: Path) -> None:
    """Before anything runs, with what is there instead."""
    biolord("bench", tiny, "--providers", "cpu,cuda").assert_error(
        "provider cuda is not in this onnxruntime, which has"
    )


def test_the_full_plan(biolord: Biolord, tiny: Path, asked: list[Options]) -> None:
    """All generated texts and the grid, three processes, all installed providers, no spinning, nobody else."""
    assert biolord("bench", tiny).code == 0
    (options,) = asked
    assert [one.name for one in options.workloads] == ["queries", "names", "definitions", "long", "mixed"]
    assert (options.providers, options.repeats, options.spinning, options.reference) == (None, 3, False, None)
    assert (options.grid, options.peers, options.journal) == (True, None, None)
    assert options.budget == Budget()


def test_a_chosen_plan(biolord: Biolord, tiny: Path, asked: list[Options]) -> None:
    """What is named is measured, doubles once."""
    chosen = ("--workload", "names,names", "--workload", "grid", "--threads", "2,1,2", "--providers", "cpu,cpu")
    assert biolord("bench", tiny, *chosen, "--quick", "--reference", tiny).code == 0
    (options,) = asked
    assert [one.name for one in options.workloads] == ["names"]
    assert (options.threads, options.providers, options.grid) == ((2, 1), ("cpu",), True)
    assert (options.repeats, options.budget) == (2, QUICK)
    assert options.reference is not None
    assert options.reference.path == tiny


def test_a_journal_gives_the_figures_again(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """What was measured isn't measured again, and another run's figures don't get in."""
    command = ("bench", tiny, "--quick", "--repeats", "1", "--threads", "1", "--workload", "names")
    first = biolord(*command, "--journal", tmp_path / "j", "--json", "-")
    again = biolord(*command, "--journal", tmp_path / "j", "--json", "-")
    assert (first.code, again.code, again.err) == (0, 0, "")
    assert json.loads(first.out)["rows"] == json.loads(again.out)["rows"]
    other = biolord(*command[:-1], "definitions", "--journal", tmp_path / "j")
    other.assert_error("j is the journal of another run")


def test_fidelity_is_measured_against_a_reference(biolord: Biolord, tiny: Path, tiny_copy: Path) -> None:
    """Which gets no row of its own, unless it is measured, too."""
    command = ("bench", tiny, "--quick", "--repeats", "1", "--threads", "1", "--workload", "queries", "--json", "-")
    for reference in (tiny, tiny_copy):
        (one,) = json.loads(biolord(*command, "--reference", reference).out)["rows"]
        assert one["fidelity"]["mean"] == pytest.approx(1)
        assert one["fidelity"]["against"].startswith("tiny-cpu-fp32")


def test_a_reference_of_another_checkpoint_is_refused(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Before anything is measured."""
    other = write_tiny_artifact(tmp_path / "wide", replace(tiny_manifest(dim=16), name="wide"))
    biolord("bench", tiny, "--reference", other).assert_error(
        "the reference wide has vectors of 16 numbers, tiny-cpu-fp32 of 8: give an artifact of the same checkpoint"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no artifact given"),
        (("{tiny}", "{tiny}"), "an artifact is given twice"),
        (("{tiny}/nowhere",), "nowhere does not exist, expected the artifact folder"),
        (("{tiny}", "--reference", "nowhere"), "nowhere does not exist"),
        (("{tiny}", "--repeats", "0"), "--repeats is 0, expected 1 or more"),
        (("{tiny}", "--threads", "0"), "--threads 0 is not a number of threads"),
        (("{tiny}", "--threads", "two"), "--threads two is not a number of threads: give a whole number of 1 to 1024"),
        (("{tiny}", "--providers", "cpu,,cuda"), "'cpu,,cuda' has an empty part"),
        (
            ("{tiny}", "--workload", "poems"),
            "workload 'poems' is neither queries, names, definitions, long, mixed, grid nor a file",
        ),
        (("{tiny}", "--json", "nowhere/r.json"), "the folder nowhere of r.json does not exist: make it first"),
        (("{tiny}", "--json", "-", "--markdown", "-"), "- is given twice as a place for results"),
        (("{tiny}", "--html", "-"), "--html takes a file"),
        (("{tiny}", "--merge", "{saved}"), "--merge joins results and measures nothing: leave out"),
        (("--merge", "nowhere.json"), "nowhere.json: No such file"),
        (("{tiny}", "--peers", "{tiny}"), "is no sentence-transformers checkpoint (sentence_bert_config.json or"),
        (("{tiny}", "--only", "torch"), "--only chooses among peers: give --peers CHECKPOINT, too"),
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


@pytest.mark.parametrize("package", ["msgspec", "psutil"])
def test_a_missing_extra_is_named(biolord: Biolord, tiny: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Before minutes of measuring."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    outcome = biolord("bench", tiny)
    outcome.assert_error(f"biolord bench needs {package}: pip install 'biolord-onnx[cpu,bench]'")


def test_files_are_merged(biolord: Biolord, saved: Path, tmp_path: Path) -> None:
    """Without an artifact; a row without figures was told of when it was measured."""
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
    biolord("bench", "--merge", tmp_path / "r.json").assert_error(
        "r.json: Object missing required field `format`: write it again with biolord bench --json"
    )
