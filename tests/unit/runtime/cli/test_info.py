"""``biolord info``."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import onnxruntime
import pytest

from biolord_onnx.artifact.manifest import LEFT, Requirements
from biolord_onnx.artifact.prompts import Prompts
from biolord_onnx.artifact.ranges import Ranges, ranges_to_json
from biolord_onnx.cli.info import look_around
from biolord_onnx.session import kernels
from biolord_onnx.session.saturation import ProductSum
from unit.runtime.command import Biolord, run_process
from unit.runtime.tiny_artifact import DIM, edit_manifest, tiny_manifest, write_manifest

SATURATED = ProductSum(1_048_544, 2_072_640, saturated=True)


def cells(out: str) -> dict[str, str]:
    """Read the indented rows of the table."""
    rows = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  ")]
    return {row[0]: row[-1] for row in rows}


def test_the_table(tiny: Path) -> None:
    """As a process: what the manifest says and how it would run, on stdout alone."""
    outcome = run_process("info", tiny)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("tiny-cpu-fp32\n")
    for words in (
        "example/tiny (revision not known)",
        "cpu-fp32, mpnet",
        "8 numbers, not normalized",
        "16 tokens (sentence_bert_config.json)",
        "Apache-2.0, random numbers",
    ):
        assert words in outcome.out
    rows = cells(outcome.out)
    assert rows["provider"] == "cpu"
    assert rows["onnxruntime"] == onnxruntime.__version__
    assert rows["layers.kept"] == "0"
    assert rows["cosine.mean"] == "1"
    assert rows["error"] == "0.25"


def test_prompts_cuts_and_sides_are_told(biolord: Biolord, tiny_copy: Path) -> None:
    """Whatever makes vectors other than one would think."""
    manifest = replace(
        tiny_manifest(),
        prompts=Prompts({"query": "q: ", "document": ""}, "query", pooled=False),
        truncation_side=LEFT,
        whole_dim=768,
        pooling="cls+mean",
    )
    write_manifest(tiny_copy, manifest)
    out = biolord("info", tiny_copy).out
    for words in (
        "8 numbers, cut from 768, not normalized",
        "16 tokens (sentence_bert_config.json), longer ones lose their beginning",
        "cls+mean, without a prompt's tokens",
        "query 'q: ' (default), document ''",
    ):
        assert words in out


def test_json_holds_the_manifest(biolord: Biolord, tiny: Path) -> None:
    """--json gives the manifest as it stands in the file, and the machine's side."""
    document = json.loads(biolord("info", tiny, "--json").out)
    assert document["manifest"] == json.loads((tiny / "manifest.json").read_text(encoding="utf-8"))
    assert document["path"] == str(tiny)
    assert document["here"]["provider"] == "cpu"
    assert document["here"]["problem"] is None
    assert document["here"]["threads"] >= 1


def test_compiled_operators_are_told(biolord: Biolord, compiled: Path) -> None:
    """What an artifact needs of them, and which of their kernels run here."""
    rows = cells(biolord("info", compiled).out)
    assert rows["needs"] == "onnxruntime 1.25.0, compiled operators biolord 1"
    assert rows["kernels"].startswith(f"{kernels.chosen()} (can run {kernels.available()[0]}")
    here = json.loads(biolord("info", compiled, "--json").out)["here"]
    assert here["kernels"] == {"chosen": kernels.chosen(), "available": list(kernels.available()), "problem": None}


def test_missing_operators_are_told(
    biolord: Biolord, compiled: Path, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What needs them doesn't run; what doesn't, does."""
    monkeypatch.setattr(kernels, "library_path", partial(kernels.library_path, tmp_path))
    rows = cells(biolord("info", compiled).out)
    assert rows["provider"] == "none"
    assert f"{tmp_path}" in rows["problem"]
    assert rows["kernels"] == "none: see the problem"
    rows = cells(biolord("info", tiny).out)
    assert rows["provider"] == "cpu"
    assert rows["kernels"].startswith("none: ")
    assert f"{tmp_path}" in rows["kernels"]


def test_lists_are_laid_out_for_people(biolord: Biolord, tiny_copy: Path) -> None:
    """Groups get a row for each figure under their kind, other objects are counted, plain values stand in a row."""
    groups = [{"kind": "names", "cosine_mean": 0.99905, "worst": ["fever", "cough"]}, {"kind": "general", "worst": []}]
    edit_manifest(tiny_copy, "fidelity", value={"groups": groups})
    edit_manifest(tiny_copy, "quantization", value={"layers": [{"layer": 0}, {"layer": 1}]})
    rows = cells(biolord("info", tiny_copy).out)
    assert rows["names.cosine_mean"] == "0.99905"
    assert rows["names.worst"] == "fever, cough"
    assert rows["general.worst"] == "none"
    assert rows["layers"] == "2 entries, --json shows them"


def test_hashes_are_checked(biolord: Biolord, tiny_copy: Path) -> None:
    """An altered artifact is refused, not described."""
    edit_manifest(tiny_copy, "files", 0, "sha256", value="0" * 64)
    biolord("info", tiny_copy).assert_error("was changed after the export")


def test_what_was_not_measured_is_said(biolord: Biolord, tiny_copy: Path) -> None:
    """A null fidelity report shows as not measured; other facts change with the manifest."""
    manifest = replace(
        tiny_manifest(), fidelity=None, normalized=True, requires=Requirements("1.20", ("avx2", "asimddp"))
    )
    write_manifest(tiny_copy, manifest)
    out = biolord("info", tiny_copy).out
    assert cells(out)["measured"] == "False"
    assert "8 numbers, unit length" in out
    assert "onnxruntime 1.20, a CPU with avx2 or asimddp" in out


def test_an_artifact_that_does_not_fit_is_described(biolord: Biolord, tiny_copy: Path) -> None:
    """What keeps an artifact from running here is shown, not raised."""
    write_manifest(tiny_copy, replace(tiny_manifest(), requires=Requirements("999.0", ())))
    outcome = biolord("info", tiny_copy)
    assert outcome.code == 0
    assert cells(outcome.out)["provider"] == "none"
    assert "the artifact needs 999.0 or later" in cells(outcome.out)["problem"]


def test_a_cpu_that_would_get_it_wrong_is_told(
    biolord: Biolord, tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the 8-bit kernels make of the largest products is part of the problem shown."""
    monkeypatch.delenv("BIOLORD_IGNORE_CPU_FEATURES", raising=False)
    monkeypatch.setattr("biolord_onnx.session.session.measure_products", lambda _: SATURATED)
    write_manifest(tiny_copy, replace(tiny_manifest(), requires=Requirements("1.20", ("avx512_vnni",))))
    rows = cells(biolord("info", tiny_copy).out)
    assert rows["provider"] == "none"
    assert "its 8-bit products saturate (a sum is 1048544, expected 2072640)" in rows["problem"]


def test_amx_that_is_left_unused_is_told(biolord: Biolord, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the table and in JSON, where it applies; elsewhere there is no such row, and an empty list."""
    assert "note" not in cells(biolord("info", tiny).out)
    assert json.loads(biolord("info", tiny, "--json").out)["here"]["notes"] == []
    monkeypatch.setattr(onnxruntime, "__version__", "1.32.0")
    monkeypatch.setattr("biolord_onnx.session.cpu.cpu_features", lambda: frozenset({"amx_int8"}))
    monkeypatch.setattr("biolord_onnx.session.amx.cpus_at_import", lambda: 1)
    assert cells(biolord("info", tiny).out)["note"].startswith("onnxruntime 1.32.0 uses no AMX in a process that may")
    (note,) = json.loads(biolord("info", tiny, "--json").out)["here"]["notes"]
    assert "pip install onnxruntime==1.31.1" in note


def test_a_machine_without_onnxruntime(monkeypatch: pytest.MonkeyPatch, biolord: Biolord, tiny: Path) -> None:
    """Without onnxruntime the command tells what to install."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    here = look_around(tiny_manifest())
    assert (here.provider, here.onnxruntime, here.providers) == (None, None, [])
    assert "pip install 'biolord-onnx[cpu]'" in str(here.problem)
    assert cells(biolord("info", tiny).out)["onnxruntime"] == "not installed"


def test_a_machine_without_known_features(monkeypatch: pytest.MonkeyPatch, biolord: Biolord, tiny: Path) -> None:
    """A CPU that tells nothing is shown as such."""
    monkeypatch.setattr("biolord_onnx.session.cpu.cpu_features", frozenset)
    assert "(no features known)" in biolord("info", tiny).out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "{}", "model is null, expected an object"),
        ("ranges.json", "{}", "the key sentence_embedding is missing"),
        ("pieces.bin", "BIO", "is no table of pieces"),
    ],
)
def test_damaged_files_are_told(biolord: Biolord, tiny_copy: Path, name: str, content: str, message: str) -> None:
    """What ``embed`` refuses is refused here, too, though the manifest vouches for it."""
    (tiny_copy / name).write_text(content, encoding="utf-8")
    write_manifest(tiny_copy, tiny_manifest())
    outcome = biolord("info", tiny_copy)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_ranges_are_read(biolord: Biolord, tiny_copy: Path) -> None:
    """Those of both outputs, where an artifact has some."""
    ends = Ranges((0.0,) * DIM, (1.0,) * DIM)
    text = ranges_to_json({"sentence_embedding": ends, "unit_embedding": ends})
    (tiny_copy / "ranges.json").write_text(text, encoding="utf-8")
    write_manifest(tiny_copy, tiny_manifest())
    assert biolord("info", tiny_copy).code == 0
