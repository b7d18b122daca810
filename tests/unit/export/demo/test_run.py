"""The demo, with a tiny checkpoint in the place of BioLORD-2023."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_export.demo import run as demo
from biolord_onnx.artifact.folder import open_artifact
from unit.export.editing import edit_tensors
from unit.export.fixtures import Exported

ARTIFACT = "tiny-mpnet-cpu-int8"


@pytest.fixture
def folder(exported: Callable[[str, str], Exported], tmp_path: Path) -> Path:
    """Give the demo's folder as a first run leaves it."""
    shutil.copytree(exported("mpnet", "cpu-int8").path, tmp_path / "demo" / ARTIFACT)
    return tmp_path / "demo"


def test_a_second_run_reuses_the_artifact(
    folder: Path, tiny_mpnet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It shows fidelity, times and neighbors, what to do next, and exports nothing."""
    monkeypatch.setattr(demo, "HUB_MODEL", str(tiny_mpnet))
    before = (folder / ARTIFACT / "manifest.json").stat()
    assert demo.main(folder) == 0
    assert (folder / ARTIFACT / "manifest.json").stat().st_mtime_ns == before.st_mtime_ns
    captured = capsys.readouterr()
    assert captured.err == ""
    assert "exported" not in captured.out
    assert "gate: passed" in captured.out
    assert "220 names embedded in" in captured.out
    for query in demo.QUERIES:
        assert f"\n{query}  (" in captured.out
    assert captured.out.count("\n  0.") + captured.out.count("\n  1.") >= demo.SHOWN * len(demo.QUERIES)
    assert f'biolord embed {folder / ARTIFACT} "Cat scratch injury"' in captured.out


def test_the_first_run_exports_and_tells_the_license(
    tmp_path: Path, tiny_mpnet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of the weights under another name is another checkpoint; progress and license go to stderr."""
    model = shutil.copytree(tiny_mpnet, tmp_path / "other")
    monkeypatch.setattr(demo, "HUB_MODEL", str(model))
    monkeypatch.setattr(demo, "TARGET", "cpu-fp32")
    assert demo.main(tmp_path / "demo") == 0
    captured = capsys.readouterr()
    assert f"exported {tmp_path / 'demo' / 'other-cpu-fp32'} in" in captured.out
    assert "reading weights" in captured.err
    assert "UMLS" in captured.err
    assert "gate:" not in captured.out


@pytest.mark.parametrize("damage", ["weights", "manifest", "gone"])
def test_a_damaged_artifact_is_made_again(
    folder: Path, tiny_mpnet: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    """What an interrupted copy or an editor left behind is said, and replaced."""
    monkeypatch.setattr(demo, "HUB_MODEL", str(tiny_mpnet))
    out = as_float32(folder, tiny_mpnet, monkeypatch)
    if damage == "weights":
        data = bytearray((out / "model.onnx.data").read_bytes())
        data[1000] ^= 1
        (out / "model.onnx.data").write_bytes(data)
    elif damage == "manifest":
        (out / "manifest.json").write_text("{", encoding="utf-8")
    else:
        (out / "tokenizer.json").unlink()
    capsys.readouterr()
    assert demo.main(folder) == 0
    assert "exporting it again" in capsys.readouterr().err
    assert open_artifact(out).manifest.name == "tiny-mpnet-cpu-fp32"


def test_other_weights_are_exported_again(
    folder: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A checkpoint that changed under its name doesn't get its old vectors."""
    monkeypatch.setattr(demo, "HUB_MODEL", str(checkpoint))
    out = as_float32(folder, checkpoint, monkeypatch)
    before = open_artifact(out).manifest.source.weights
    edit_tensors(checkpoint / "model.safetensors", lambda tensors: tensors["embeddings.LayerNorm.bias"].fill(0.5))
    capsys.readouterr()
    assert demo.main(folder) == 0
    assert "was made from other weights; exporting it again" in capsys.readouterr().err
    assert open_artifact(out).manifest.source.weights != before


def as_float32(folder: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the demo's artifact a float32 one, which is exported in no time."""
    monkeypatch.setattr(demo, "TARGET", "cpu-fp32")
    assert demo.main(folder) == 0
    return folder / f"{model.name}-cpu-fp32"


def test_without_the_hub_the_stand_in_is_named_as_such(
    tmp_path: Path, tiny_bert: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody takes its vectors for BioLORD's: stderr says why it stands in, and that it does."""
    monkeypatch.setattr(demo, "HUB_MODEL", str(tmp_path / "nowhere"))
    monkeypatch.setattr(demo, "reference_model", {demo.STAND_IN: tiny_bert}.__getitem__)
    monkeypatch.setattr(demo, "TARGET", "cpu-fp32")
    assert demo.main(tmp_path / "demo") == 0
    captured = capsys.readouterr()
    why, that = captured.err.splitlines()[:2]
    assert "nowhere is neither a checkpoint folder nor a hub id" in why
    assert that == "all-mpnet-base-v2, the base model of BioLORD-2023, stands in: these vectors are not BioLORD's"
    assert (tmp_path / "demo" / "tiny-bert-cpu-fp32").is_dir()


def test_the_demo_asks_for_the_real_model() -> None:
    """By default, into the folder that git ignores."""
    assert demo.HUB_MODEL == "FremyCompany/BioLORD-2023"
    assert Path("demo") == demo.FOLDER
    assert demo.TARGET == "cpu-int8"
