"""``biolord verify``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_export.cli import requirements
from biolord_export.corpus import golden_texts
from biolord_export.targets import TARGETS
from biolord_export.verification.fidelity import FidelityReport
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import Golden
from biolord_onnx.session import kernels
from unit.export.fixtures import Exported
from unit.export.places import assert_failed, run
from unit.runtime.command import Biolord, run_process
from unit.runtime.tiny_artifact import edit_manifest, write_tiny_artifact

Exports = Callable[[str, str], Exported]
NAMES = [f"wound number {number}" for number in range(12)]


def golden_of(path: Path) -> Golden:
    """Return what an artifact's manifest says of its bits."""
    golden = open_artifact(path).manifest.golden
    assert golden is not None
    return golden


@pytest.fixture
def copy(exported: Exports, tmp_path: Path) -> Path:
    """Give a quantized artifact to change."""
    return shutil.copytree(exported("mpnet", "cpu-int8").path, tmp_path / "copy")


@pytest.fixture
def texts(tmp_path: Path) -> Path:
    """Give a file of texts."""
    path = tmp_path / "names.txt"
    path.write_text("\n".join([*NAMES, ""]), encoding="utf-8")
    return path


def test_whole_files_and_the_manifests_figures(exported: Exports) -> None:
    """Without a reference: hashes are checked and the recorded report is shown, without onnx or any model."""
    path = exported("mpnet", "cpu-int8").path
    outcome = run_process("verify", path)
    assert (outcome.code, outcome.err) == (0, "")
    head, *table = outcome.out.splitlines()
    assert head == f"{path}: tiny-mpnet-cpu-int8, all 5 files are whole"
    bits, *table = table
    assert bits.startswith(f"bits: {len(golden_texts())} golden texts on this machine (")
    assert bits.endswith(f" kernels) give the vectors of the export, SHA-256 {golden_of(path).sha256}")
    assert table[0].startswith("fidelity ")
    assert table[-1] == "against: float32 graph written from the same checkpoint; gate: passed"


def test_json(biolord: Biolord, exported: Exports) -> None:
    """The same as one JSON object on stdout."""
    path = exported("mpnet", "cpu-int8").path
    document = json.loads(biolord("verify", path, "--json").out)
    assert document["artifact"] == "tiny-mpnet-cpu-int8"
    assert document["files"] == "whole"
    assert document["fidelity"] == open_artifact(path).manifest.fidelity
    golden = golden_of(path).sha256
    assert document["golden"] == {
        "texts": len(golden_texts()),
        "expected": golden,
        "found": golden,
        "same": True,
        "kernels": kernels.chosen(),
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_other_bits_are_exit_code_1(biolord: Biolord, copy: Path, *, as_json: bool) -> None:
    """Both hashes are told, and the kind of kernels that gave the one."""
    found = golden_of(copy).sha256
    edit_manifest(copy, "golden", "sha256", value="0" * 64)
    outcome = biolord("verify", copy, *(["--json"] if as_json else []))
    assert outcome.code == 1
    if as_json:
        golden = json.loads(outcome.out)["golden"]
        assert (golden["same"], golden["expected"], golden["found"]) == (False, "0" * 64, found)
    else:
        here = f"{len(golden_texts())} golden texts on this machine ({kernels.chosen()} kernels)"
        assert f"bits: OTHER VECTORS: {here} have SHA-256 {found}, the manifest says {'0' * 64}: " in outcome.out


def test_targets_without_golden_texts(biolord: Biolord, exported: Exports) -> None:
    """Float operators differ between CPUs: nothing is promised, and nothing said."""
    path = exported("mpnet", "cpu-fp32").path
    assert json.loads(biolord("verify", path, "--json").out)["golden"] is None
    assert "bits" not in biolord("verify", path).out


def test_an_artifact_that_was_not_measured(biolord: Biolord, exported: Exports) -> None:
    """Its files are whole, and nothing is claimed beyond that."""
    path = exported("mpnet", "cpu-fp32").path
    outcome = biolord("verify", path)
    assert outcome.code == 0
    assert outcome.out.splitlines()[1] == "fidelity: not measured; compare it with --reference MODEL"
    assert json.loads(biolord("verify", path, "--json").out)["fidelity"] is None


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json", "NOTICE"])
def test_a_file_that_was_changed(biolord: Biolord, copy: Path, name: str) -> None:
    """One bit is enough: exit code 2, and the file is named."""
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    biolord("verify", copy).assert_error(f"{copy / name} was changed after the export")


def test_a_folder_that_is_no_artifact(biolord: Biolord, tmp_path: Path) -> None:
    """A checkpoint given instead of an artifact, for one."""
    biolord("verify", tmp_path).assert_error("has no manifest.json: it is not an artifact")


def test_a_recorded_shortfall_is_exit_code_1(biolord: Biolord, copy: Path) -> None:
    """An artifact accepted below its gate stays one."""
    edit_manifest(copy, "fidelity", "shortfalls", value=["names: cosine_min 0.5 is below 0.99"])
    outcome = biolord("verify", copy)
    assert outcome.code == 1
    assert "BELOW THE GATE: names: cosine_min 0.5 is below 0.99" in outcome.out
    as_json = biolord("verify", copy, "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["fidelity"]["passed"] is False


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_recorded_report_that_is_broken(biolord: Biolord, copy: Path, as_json: tuple[str, ...]) -> None:
    """The file and the member are named."""
    edit_manifest(copy, "fidelity", "groups", 0, "cosine_min", value="high")
    biolord("verify", copy, *as_json).assert_error(
        f"{copy / 'manifest.json'}: fidelity: groups: 0: cosine_min is 'high', expected a number"
    )


def test_a_checkpoint_as_reference(exported: Exports, tiny_mpnet: Path, texts: Path) -> None:
    """Fidelity is measured anew on the texts of a file."""
    path = exported("mpnet", "cpu-int8").path
    outcome = run("verify", path, "--reference", tiny_mpnet, "--texts", texts, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    report = FidelityReport.from_json(json.loads(outcome.out)["fidelity"], "stdout")
    assert report.reference == "float32 graph written from the same checkpoint (tiny-mpnet)"
    (group,) = report.groups
    assert (group.kind, group.texts) == ("texts", len(NAMES))


def test_the_built_in_texts_give_the_manifests_figures_again(exported: Exports, tiny_mpnet: Path) -> None:
    """Whoever gets an artifact can check what it says about itself."""
    path = exported("mpnet", "cpu-int8").path
    outcome = run("verify", path, "--reference", tiny_mpnet, "--json")
    measured = FidelityReport.from_json(json.loads(outcome.out)["fidelity"], "stdout")
    recorded = FidelityReport.from_json(open_artifact(path).manifest.fidelity or {}, "manifest")
    for found, stated in zip(measured.groups, recorded.groups, strict=True):
        assert found.kind == stated.kind
        assert found.cosine_mean == pytest.approx(stated.cosine_mean, abs=1e-5)
        assert found.cosine_min == pytest.approx(stated.cosine_min, abs=1e-4)


def test_an_artifact_as_reference(exported: Exports, texts: Path) -> None:
    """As a process, against the float32 artifact."""
    path, exact = exported("bert", "cpu-int8").path, exported("bert", "cpu-fp32").path
    outcome = run_process("verify", path, "--reference", exact, "--texts", texts)
    assert (outcome.code, outcome.err) == (0, "")
    assert "against: artifact tiny-bert-cpu-fp32; gate: passed" in outcome.out


def test_a_measured_shortfall_is_exit_code_1(exported: Exports, tiny_bert: Path, texts: Path) -> None:
    """Another checkpoint's vectors are not this one's."""
    outcome = run("verify", exported("mpnet", "cpu-int8").path, "--reference", tiny_bert, "--texts", texts)
    assert outcome.code == 1
    assert "BELOW THE GATE: texts: cosine_min " in outcome.out


def test_a_reference_of_another_length(exported: Exports, texts: Path, tmp_path: Path) -> None:
    """Both lengths are named."""
    other = write_tiny_artifact(tmp_path / "other")
    outcome = run("verify", exported("mpnet", "cpu-fp32").path, "--reference", other, "--texts", texts)
    assert_failed(outcome, f"{other} yields 8 numbers a text")


def test_a_reference_that_is_nothing(biolord: Biolord, exported: Exports, tmp_path: Path) -> None:
    """It is neither a folder nor a hub id."""
    path = exported("mpnet", "cpu-fp32").path
    message = "nowhere is neither a checkpoint folder nor a hub id"
    biolord("verify", path, "--reference", tmp_path / "nowhere").assert_error(message)


@pytest.mark.parametrize(
    "options", [("--texts", "names.txt"), ("--revision", "v2"), ("--pairs", "pairs.tsv"), ("--engine", "torch")]
)
def test_options_that_need_a_reference(biolord: Biolord, exported: Exports, options: tuple[str, str]) -> None:
    """Nothing would be measured, and the option not be seen."""
    path = exported("mpnet", "cpu-fp32").path
    biolord("verify", path, *options).assert_error(f"{options[0]} needs --reference: name the checkpoint or artifact")


def test_labeled_pairs(exported: Exports, tiny_mpnet: Path, texts: Path, tmp_path: Path) -> None:
    """Both rank correlations are in the table and in the JSON object, and no gate is on them."""
    file = tmp_path / "pairs.tsv"
    rows = [f"{number % 7}\twound {number}\tinjury of skin {number * 7}\n" for number in range(9)]
    file.write_text("".join(["score\ttext1\ttext2\n", *rows]), encoding="utf-8")
    options = ("--reference", tiny_mpnet, "--texts", texts, "--pairs", file)
    table = run("verify", exported("mpnet", "cpu-fp32").path, *options)
    assert (table.code, table.err) == (0, "")
    (line,) = (line for line in table.out.splitlines() if line.startswith("9 labeled pairs (pairs.tsv): Spearman "))
    own, _, reference = line.partition(": Spearman ")[2].partition(", of the reference ")
    assert float(own) == float(reference)
    members = json.loads(run("verify", exported("mpnet", "cpu-int8").path, *options, "--json").out)["fidelity"]
    report = FidelityReport.from_json(members, "stdout")
    assert report.pairs
    assert (report.pairs.origin, report.pairs.pairs) == ("pairs.tsv", 9)
    assert report.pairs.reference == pytest.approx(float(reference), abs=1e-4)


def test_labeled_pairs_in_another_dialect(
    biolord: Biolord, exported: Exports, tiny_mpnet: Path, texts: Path, tmp_path: Path
) -> None:
    """The options are those of other tables, and go with --pairs alone."""
    file = tmp_path / "pairs.txt"
    rows = [f'{number};"wound; {number}";injury {number * 7}\n' for number in range(5)]
    file.write_text("".join(["score;text1;text2\n", *rows]), encoding="utf-8")
    path = exported("mpnet", "cpu-fp32").path
    options = ("--reference", tiny_mpnet, "--texts", texts)
    outcome = biolord("verify", path, *options, "--pairs", file, "--delimiter", "semicolon", "--quoting", "csv")
    assert "5 labeled pairs (pairs.txt): Spearman " in outcome.out
    biolord("verify", path, *options, "--pairs", file, "--delimiter", "x").assert_error(
        "--delimiter is 'x', expected tab"
    )
    for option in (("--delimiter", ";"), ("--quoting", "csv")):
        biolord("verify", path, *options, *option).assert_error(f"{option[0]} needs --pairs: name the table of pairs")


def test_torch_is_named_where_it_is_missing(biolord: Biolord, exported: Exports, tiny_mpnet: Path) -> None:
    """It comes with the optimum extra; with it: tests/real/test_torch_reference.py."""
    path = exported("mpnet", "cpu-fp32").path
    outcome = biolord("verify", path, "--reference", tiny_mpnet, "--engine", "torch")
    outcome.assert_error("biolord: --engine torch needs torch, ")
    assert "pip install 'biolord-onnx[cpu,export,optimum]'" in outcome.err


def test_an_artifact_is_no_checkpoint_for_torch(biolord: Biolord, exported: Exports) -> None:
    """It holds no weights that torch could run."""
    path = exported("mpnet", "cpu-fp32").path
    outcome = biolord("verify", path, "--reference", path, "--engine", "torch")
    outcome.assert_error("is an artifact, which torch can't run: name a checkpoint, or leave --engine out")


def test_a_revision_of_a_folder(biolord: Biolord, exported: Exports, tiny_mpnet: Path) -> None:
    """There is none."""
    path = exported("mpnet", "cpu-fp32").path
    message = "is a folder, which has no revision 'v2'"
    biolord("verify", path, "--reference", tiny_mpnet, "--revision", "v2").assert_error(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no text: give one text a line"),
        (b"\n \n", "has no text: give one text a line"),
        (b"fever\n\xff\n", "line 2: byte 0xff is not UTF-8"),
        (None, "can't be read (No such file or directory)"),
    ],
)
def test_texts_that_are_no_use(
    biolord: Biolord, exported: Exports, tiny_mpnet: Path, tmp_path: Path, content: bytes | None, message: str
) -> None:
    """The file is named, and the line where there is one."""
    file = tmp_path / "texts.txt"
    if content is not None:
        file.write_bytes(content)
    path = exported("mpnet", "cpu-fp32").path
    biolord("verify", path, "--reference", tiny_mpnet, "--texts", file).assert_error(message)


def test_one_text_is_enough(exported: Exports, tiny_mpnet: Path, tmp_path: Path) -> None:
    """It has no neighbors to compare, and its cosine counts."""
    (tmp_path / "one.txt").write_text("fever", encoding="utf-8")
    path = exported("mpnet", "cpu-int8").path
    outcome = run("verify", path, "--reference", tiny_mpnet, "--texts", tmp_path / "one.txt")
    assert outcome.code == 0
    assert "100.0 %" in outcome.out


def test_a_target_of_a_later_release(copy: Path, tiny_mpnet: Path, texts: Path) -> None:
    """Its gate isn't known here, so it can't be held against one."""
    edit_manifest(copy, "target", value="cpu-int2")
    outcome = run("verify", copy, "--reference", tiny_mpnet, "--texts", texts)
    assert_failed(outcome, f"target is 'cpu-int2', expected one of {', '.join(TARGETS)}")


def test_without_the_extra_the_files_can_still_be_checked(
    biolord: Biolord, exported: Exports, tiny_mpnet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a reference needs onnx and safetensors."""
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    path = exported("mpnet", "cpu-int8").path
    assert biolord("verify", path).code == 0
    biolord("verify", path, "--reference", tiny_mpnet).assert_error("biolord verify --reference needs onnx")
