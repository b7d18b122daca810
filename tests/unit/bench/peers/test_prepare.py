"""What rows need is made once, made again when what it is made from changes, and a failure is the row's reason."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from biolord_bench.peers.prepare import (
    BUILD_VARIABLE,
    CONVERTER_ENVIRONMENT,
    REQUIREMENTS,
    Maker,
    PreparationError,
    build_folder,
    our_sources,
)
from biolord_bench.peers.process import REPOSITORY
from biolord_bench.peers.rows import OURS, PEERS
from biolord_onnx.artifact import open_artifact

FLOAT32 = next(row for row in OURS if row.target == "cpu-fp32")
TORCH = next(row for row in PEERS if row.model == "checkpoint")
IMPOSSIBLE = next(row for row in PEERS if row.reason)


def maker(build: Path, checkpoint: Path, said: list[str], *, keep: bool = False) -> Maker:
    """A maker that keeps what it says."""
    return Maker(build, checkpoint, keep, said.append)


def test_an_artefact_is_exported_once_and_anew_when_the_exporter_changes(tiny_mpnet: Path, tmp_path: Path) -> None:
    """Figures are of this exporter's artefacts, unless older ones are asked for."""
    said: list[str] = []
    out = maker(tmp_path, tiny_mpnet, said).model(FLOAT32)
    assert open_artifact(out).manifest.target == "cpu-fp32"
    made = out.stat().st_mtime_ns
    assert maker(tmp_path, tiny_mpnet, said).model(FLOAT32) == out
    stamp = out.with_name(f"{out.name}.made-from")
    stamp.write_text("an older exporter", encoding="utf-8")
    assert maker(tmp_path, tiny_mpnet, said, keep=True).model(FLOAT32) == out
    assert out.stat().st_mtime_ns == made
    assert said == [f"{out.name}: exporting"]
    maker(tmp_path, tiny_mpnet, said).model(FLOAT32)
    assert out.stat().st_mtime_ns != made


def test_a_failed_export_is_the_reason(tmp_path: Path) -> None:
    """The exporter's own line tells what is wrong."""
    with pytest.raises(PreparationError, match="nowhere"):
        maker(tmp_path, tmp_path / "nowhere", []).model(FLOAT32)


def test_a_row_that_cannot_run_says_why(tmp_path: Path) -> None:
    """Nothing is made for it."""
    with pytest.raises(PreparationError, match="no package on PyPI"):
        maker(tmp_path, tmp_path, []).ready(IMPOSSIBLE)
    assert list(tmp_path.iterdir()) == []


def test_the_checkpoint_itself_is_taken_as_it_is(tmp_path: Path) -> None:
    """The tool that defines the checkpoint needs no conversion."""
    assert maker(tmp_path / "build", tmp_path, []).model(TORCH) == tmp_path


def test_every_row_has_a_pinned_environment() -> None:
    """Each requirement names exactly one version, so that a run can be repeated."""
    environments = {row.environment for row in (*OURS, *PEERS) if row.reason is None}
    assert CONVERTER_ENVIRONMENT in environments
    assert {path.stem for path in REQUIREMENTS.glob("*.txt")} == environments
    for name in environments:
        lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert all("==" in line for line in lines if not line.startswith("#"))


def test_every_row_has_an_adapter() -> None:
    """The module that a worker is told to import is there."""
    for row in (*OURS, *PEERS):
        if row.reason is None:
            assert (REPOSITORY / "benchmarks" / "biolord_bench" / "peers" / "adapters" / f"{row.adapter}.py").is_file()


def test_the_build_folder_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds gigabytes; in the repository it is ignored by git."""
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    assert build_folder() == tmp_path
    monkeypatch.delenv(BUILD_VARIABLE)
    assert build_folder() == REPOSITORY / ".bench"
    assert "/.bench/" in (REPOSITORY / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert len(our_sources()) == 64


@pytest.mark.real
def test_an_environment_is_made_from_its_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reused, made anew when its pins change, and pip's own words are the reason of a failure."""
    monkeypatch.setattr("biolord_bench.peers.prepare.REQUIREMENTS", tmp_path)
    requirements, said = tmp_path / "own.txt", list[str]()
    making = maker(tmp_path / "build", tmp_path, said)
    requirements.write_text("packaging==26.3\n", encoding="utf-8")
    python = making.environment("own")
    making.environment("own")
    assert said == ["environment own: installing own.txt"]
    subprocess.run([str(python), "-c", "import packaging"], check=True)
    requirements.write_text("--no-index\nno-such-distribution==1\n", encoding="utf-8")
    with pytest.raises(PreparationError, match=r"No matching distribution found for no-such-distribution==1"):
        making.environment("own")
    with pytest.raises(PreparationError, match="No matching distribution"):
        making.environment("own")
