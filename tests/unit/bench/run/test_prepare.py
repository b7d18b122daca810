"""What peers need is made once, made again when what it is made from changes, and a failure is the row's reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from biolord_bench.peers.rows import PEERS, REFERENCE, choose
from biolord_bench.run.prepare import (
    BUILD_VARIABLE,
    CONVERTER_ENVIRONMENT,
    REQUIREMENTS,
    Maker,
    PreparationError,
    build_folder,
)
from biolord_onnx.errors import InputError

ADAPTERS = Path(REQUIREMENTS).with_name("adapters")
TRIED = [peer for peer in PEERS if peer.reason is None]
IMPOSSIBLE = next(peer for peer in PEERS if peer.reason)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint of which only the limit is read."""
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 384}), encoding="utf-8")
    return folder


def maker(build: Path, checkpoint: Path, said: list[str]) -> Maker:
    """A maker that keeps what it says."""
    return Maker(build, checkpoint, 2, said.append)


def test_a_peer_that_cannot_run_says_why(tmp_path: Path, checkpoint: Path) -> None:
    """Nothing is made for it."""
    job = maker(tmp_path / "build", checkpoint, []).job(IMPOSSIBLE)
    assert job.error == IMPOSSIBLE.reason
    assert not (tmp_path / "build").exists()


def test_a_peer_whose_things_cannot_be_made_says_why(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row has the reason, and the others go on."""

    def fail(_: Maker, name: str) -> Path:
        raise PreparationError(f"{name} is not to be had")

    monkeypatch.setattr(Maker, "environment", fail)
    said: list[str] = []
    job = maker(tmp_path / "build", checkpoint, said).job(TRIED[0])
    assert (job.error, job.limit) == ("torch is not to be had", 384)
    assert said == [f"{REFERENCE}: torch is not to be had"]


def test_the_checkpoint_itself_is_taken_as_it_is(tmp_path: Path, checkpoint: Path) -> None:
    """The tool that defines the checkpoint needs no conversion."""
    assert maker(tmp_path / "build", checkpoint, []).model("checkpoint") == checkpoint


def test_other_environments_find_these_packages_and_nothing_else(tmp_path: Path) -> None:
    """A worker starts there with an interpreter that has nothing installed; a second call changes nothing."""
    packages = maker(tmp_path, tmp_path, []).packages()
    assert maker(tmp_path, tmp_path, []).packages() == packages
    assert {path.name for path in packages.iterdir()} == {"biolord_bench", "biolord_export", "biolord_onnx"}
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from biolord_bench.worker.__main__ import Worker\n"
        "print('msgspec' in sys.modules, 'numpy' in sys.modules)"
    )
    command = [sys.executable, "-I", "-S", "-c", code, str(packages)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False False\n"


def test_every_peer_has_a_pinned_environment() -> None:
    """Each requirement names exactly one version, so that a run can be repeated."""
    environments = {peer.environment for peer in TRIED}
    assert CONVERTER_ENVIRONMENT in environments
    assert {path.stem for path in REQUIREMENTS.glob("*.txt")} == environments
    for name in environments:
        lines = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
        assert all("==" in line for line in lines if not line.startswith("#"))


def test_every_peer_has_an_adapter_and_a_stated_setting() -> None:
    """The module that a worker is told to import is there, and a reader can see how the tool was run."""
    for peer in TRIED:
        assert (ADAPTERS / f"{peer.adapter}.py").is_file()
        assert peer.setting


def test_peers_have_names_of_their_own() -> None:
    """Journals and logs are kept by name."""
    assert len({peer.name for peer in PEERS}) == len(PEERS)


def test_peers_are_chosen_by_parts_of_their_names() -> None:
    """A part that fits nothing is refused with all names."""
    assert choose(None) == PEERS
    assert [peer.name for peer in choose(("light", "kjarni"))] == ["light-embed fp32", "kjarni fp32"]
    with pytest.raises(InputError, match=r"no peer is called 'nosuch'; there are: sentence-transformers torch fp32,"):
        choose(("torch", "nosuch"))


def test_the_build_folder_can_be_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds gigabytes, and is outside the sources."""
    monkeypatch.setenv(BUILD_VARIABLE, str(tmp_path))
    assert build_folder() == tmp_path
    monkeypatch.delenv(BUILD_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert build_folder() == tmp_path / "biolord-onnx" / "bench"


@pytest.mark.real
def test_an_environment_is_made_from_its_requirements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reused, made anew when its pins change, and pip's own words are the reason of a failure."""
    monkeypatch.setattr("biolord_bench.run.prepare.REQUIREMENTS", tmp_path)
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
