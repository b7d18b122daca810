"""``biolord export``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_export.corpus import builtin_calibration, read_calibration
from biolord_export.targets import TARGETS
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import MaxLength
from biolord_onnx.embedder import Embedder
from unit.export.editing import blunt, edit_tensors
from unit.export.fixtures import Exported
from unit.export.places import Place, assert_failed
from unit.runtime.command import run_process

pytestmark = pytest.mark.slow

Exports = Callable[[str, str], Exported]
FLOAT32 = ("--target", "cpu-fp32")
INT4 = ("--target", "cpu-int4")


def test_the_whole_command_as_a_process(place: Place, tiny_mpnet: Path) -> None:
    """The report alone is on stdout, steps and license are on stderr, and the folder holds nothing but the artifact."""
    outcome = run_process("export", tiny_mpnet, place.out, *INT4)
    assert outcome.code == 0, outcome.err
    assert "\n\nfidelity " in outcome.out
    assert "gate: passed" in outcome.out
    assert outcome.out.splitlines()[-1].startswith(f"{place.out}: tiny-mpnet-cpu-int4, 0.")
    steps = outcome.err.splitlines()
    assert [steps[0], steps[2]] == ["reading weights", "writing the cpu-int4 graph"]
    assert "UMLS" in steps[-1]
    assert place.left == ["artifact"]
    assert open_artifact(place.out).manifest.target == "cpu-int4"


def test_cpu_int8_is_the_default(exported: Exports) -> None:
    """Its report has a table of layers before that of fidelity."""
    outcome = exported("mpnet", "cpu-int8").outcome
    layers, fidelity, made = outcome.out.split("\n\n")
    assert layers.startswith("error of layer")
    assert fidelity.startswith("fidelity ")
    assert made.rstrip().endswith(" s")


def test_float32_reports_its_size_alone(place: Place, tiny_mpnet: Path) -> None:
    """There is nothing to compare it with."""
    outcome = place.export(tiny_mpnet, *FLOAT32)
    assert outcome.out.splitlines() == [outcome.out.strip()]
    assert "MB, made in" in outcome.out


@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
def test_every_artifact_embeds_and_verifies(exported: Exports, architecture: str) -> None:
    """What export wrote is what the other commands read, as processes of their own."""
    path = exported(architecture, "cpu-int8").path
    embedded = run_process("embed", path, "Cat scratch injury")
    assert (embedded.code, embedded.err) == (0, "")
    assert '"text": "Cat scratch injury"' in embedded.out
    assert run_process("info", path).code == 0
    verified = run_process("verify", path)
    assert (verified.code, verified.err) == (0, "")
    assert "gate: passed" in verified.out


def test_below_the_gate_nothing_is_written(place: Place, checkpoint: Path, tiny_mpnet: Path) -> None:
    """Exit code 1; the message names figures, bars and a way to have it all the same; what lay there stays."""
    place.export(tiny_mpnet, *FLOAT32)
    edit_tensors(checkpoint / "model.safetensors", blunt)
    outcome = place.export(checkpoint, "--force")
    assert_failed(outcome, "below the gate of cpu-int8: names: cosine_mean 0.", code=1)
    assert re.search(r"names: cosine_mean 0\.\d+ is below 0\.999", outcome.err)
    assert "--accept-below-gate" in outcome.err
    assert place.left == ["artifact"]
    assert open_artifact(place.out).manifest.target == "cpu-fp32"


def test_below_the_gate_on_demand(place: Place, checkpoint: Path) -> None:
    """It is written and marked: the report says so, and verify still fails."""
    edit_tensors(checkpoint / "model.safetensors", blunt)
    outcome = place.export(checkpoint, "--accept-below-gate")
    assert outcome.code == 0
    assert "BELOW THE GATE: names: cosine_mean 0." in outcome.out
    fidelity = open_artifact(place.out).manifest.fidelity
    assert fidelity is not None
    assert fidelity["passed"] is False
    assert fidelity["shortfalls"]
    verified = run_process("verify", place.out)
    assert verified.code == 1
    assert "BELOW THE GATE" in verified.out


def test_ones_own_calibration_texts(place: Place, tiny_mpnet: Path, exported: Exports, tmp_path: Path) -> None:
    """The manifest names the file without its folder, and its digest; the scales are other ones.

    A text is run no further than the checkpoint reads.
    """
    file = tmp_path / "my texts.txt"
    file.write_text("\n".join([*builtin_calibration().texts[:50], *["fever " * 500] * 50]), encoding="utf-8")
    outcome = place.export(tiny_mpnet, "--calibration", file, "--accept-below-gate")
    assert outcome.code == 0, outcome.err
    assert outcome.err.splitlines()[:3] == [
        "reading weights",
        "calibrating on 100 texts (my texts.txt)",
        "writing the cpu-int8 graph",
    ]
    calibration = open_artifact(place.out).manifest.quantization["calibration"]
    assert isinstance(calibration, dict)
    corpus = read_calibration(file)
    assert calibration["origin"] == "my texts.txt"
    assert (calibration["sha256"], calibration["texts"]) == (corpus.sha256(), len(corpus.texts))
    assert isinstance(calibration["tokens"], int)
    assert 50 * 48 < calibration["tokens"] <= 100 * 48
    built_in = exported("mpnet", "cpu-int8").path
    assert (place.out / "model.onnx.data").read_bytes() != (built_in / "model.onnx.data").read_bytes()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can't be read (No such file or directory)"),
        (b"one\ntwo\n", "has 2 calibration texts, at least 50 are needed"),
        (b"one\ntwo\nthr\xe9e\n", "line 3: byte 0xe9 is not UTF-8"),
    ],
)
def test_calibration_texts_that_are_no_use(
    place: Place, tiny_mpnet: Path, tmp_path: Path, content: bytes | None, message: str
) -> None:
    """Missing, too few, or in another encoding: the file is named before any work."""
    file = tmp_path / "texts.txt"
    if content is not None:
        file.write_bytes(content)
    place.assert_refused(tiny_mpnet, "--calibration", file, message=message)


@pytest.mark.parametrize("target", ["cpu-fp32", "cuda-fp16", "portable-fp32"])
def test_calibration_where_there_is_none_is_refused(
    place: Place, tiny_mpnet: Path, tmp_path: Path, target: str
) -> None:
    """An option that changes nothing would only look as if it did."""
    message = f"{target} takes no calibration: leave --calibration"
    options = ("--target", target, "--calibration", tmp_path / "texts.txt")
    place.assert_refused(tiny_mpnet, *options, message=message)


def test_max_length(place: Place, tiny_mpnet: Path) -> None:
    """It overrules the checkpoint's, the manifest says who said so, and the texts are cut there."""
    assert place.export(tiny_mpnet, *FLOAT32, "--max-length", 5).code == 0
    assert open_artifact(place.out).manifest.max_length == MaxLength(5, "--max-length")
    with Embedder.load(place.out) as embedder:
        info = embedder.encode_with_info(["heart attack", "a"])
    assert info.truncated.tolist() == [True, False]


@pytest.mark.parametrize("length", [0, -3, 2, 65, 10**9])
def test_a_max_length_that_does_not_fit(place: Place, tiny_mpnet: Path, length: int) -> None:
    """The limits are named."""
    message = f"--max-length is {length}, this checkpoint has 3 to 64 positions"
    place.assert_refused(tiny_mpnet, f"--max-length={length}", message=message)


@pytest.mark.parametrize("length", ["many", "3.5", ""])
def test_a_max_length_that_is_no_number(place: Place, tiny_mpnet: Path, length: str) -> None:
    """It is a wrong argument like any other."""
    place.assert_refused(tiny_mpnet, "--max-length", length, message="argument --max-length: invalid int value")


def test_pooling_cls(place: Place, tiny_mpnet: Path, exported: Exports) -> None:
    """Another pooling than the checkpoint's gives other vectors, and the manifest says which."""
    assert place.export(tiny_mpnet, *FLOAT32, "--pooling", "cls").code == 0
    assert open_artifact(place.out).manifest.pooling == "cls"
    with Embedder.load(place.out) as cls, Embedder.load(exported("mpnet", "cpu-fp32").path) as mean:
        assert not np.allclose(cls.encode("fever and cough"), mean.encode("fever and cough"), atol=0.1)


def test_an_unknown_pooling(place: Place, tiny_mpnet: Path) -> None:
    """The choices are named."""
    place.assert_refused(tiny_mpnet, "--pooling", "sum", message="sum")


def test_an_unknown_target(place: Place, tiny_mpnet: Path) -> None:
    """The choices are named."""
    message = f"target is 'int8', expected one of {', '.join(TARGETS)}"
    place.assert_refused(tiny_mpnet, "--target", "int8", message=message)


def test_a_revision_of_a_folder(place: Place, tiny_mpnet: Path) -> None:
    """There is none."""
    place.assert_refused(tiny_mpnet, "--revision", "main", message="is a folder, which has no revision 'main'")


@pytest.mark.parametrize("arguments", [(), ("model",)])
def test_missing_arguments(arguments: tuple[str, ...]) -> None:
    """They are named, as errors are: in one line."""
    outcome = run_process("export", *arguments)
    assert outcome.code == 2
    assert "the following arguments are required: " in outcome.err
    assert outcome.err.count("\n") == 1


def test_force_replaces_an_artifact(place: Place, tiny_mpnet: Path, tiny_bert: Path) -> None:
    """Wholly: nothing of the old one is left."""
    place.export(tiny_bert, *FLOAT32)
    place.assert_refused(tiny_mpnet, *FLOAT32, message="artifact exists already: give another name, or --force")
    assert place.export(tiny_mpnet, *FLOAT32, "--force").code == 0
    assert open_artifact(place.out).manifest.architecture == "mpnet"
    assert place.left == ["artifact"]


def test_an_artifact_can_be_moved_and_read_only(exported: Exports, tmp_path: Path) -> None:
    """No file of it refers to where it was made, and using it writes nothing."""
    moved = shutil.copytree(exported("bert", "cpu-fp32").path, tmp_path / "moved")
    for path in (*moved.iterdir(), moved):
        Path(path).chmod(path.stat().st_mode & 0o555)
    before = sorted(moved.iterdir())
    with Embedder.load(moved) as embedder:
        assert embedder.encode("fever").shape == (64,)
    assert sorted(moved.iterdir()) == before


def test_the_license_is_told_once(place: Place, tiny_mpnet: Path) -> None:
    """On stderr, as it stands in NOTICE."""
    outcome = place.export(tiny_mpnet, *FLOAT32)
    notice = (place.out / "NOTICE").read_text(encoding="utf-8").strip()
    assert outcome.err.count(notice) == 1
    assert notice not in outcome.out


def test_a_vocabulary_of_ones_own(place: Place, tiny_mpnet: Path, exported: Exports, tmp_path: Path) -> None:
    """The artifact is smaller; its own texts keep their vectors; manifest, report and info tell what it costs."""
    file = tmp_path / "my texts.txt"
    mine = [text for text in builtin_calibration().texts if len(text) < 30][:60]
    file.write_text("\n".join(mine), encoding="utf-8")
    outcome = place.export(tiny_mpnet, *FLOAT32, "--keep-vocabulary", file)
    assert outcome.code == 0, outcome.err
    assert "comparing with the whole vocabulary" in outcome.err
    assert "tokens kept, by my texts.txt; cosines to the float32 graph with all" in outcome.out
    whole = exported("mpnet", "cpu-fp32").path
    assert (place.out / "model.onnx.data").stat().st_size < (whole / "model.onnx.data").stat().st_size
    with Embedder.load(place.out) as found, Embedder.load(whole) as exact:
        np.testing.assert_allclose(found.encode(mine), exact.encode(mine), atol=1e-6)
    told = open_artifact(place.out).manifest.quantization["vocabulary"]
    assert isinstance(told, dict)
    groups = told["fidelity_to_whole"]
    assert isinstance(groups, list)
    cosines = {group["kind"]: group["cosine_min"] for group in groups if isinstance(group, dict)}
    assert list(cosines) == ["your texts", "names", "passages", "general"]
    assert cosines["your texts"] == pytest.approx(1, abs=1e-6)
    assert "vocabulary.kept" in run_process("info", place.out).out


def test_a_vocabulary_file_that_is_missing(place: Place, tiny_mpnet: Path, tmp_path: Path) -> None:
    """It is named, and nothing is written."""
    place.assert_refused(tiny_mpnet, "--keep-vocabulary", tmp_path / "none.txt", message="none.txt can't be read")
