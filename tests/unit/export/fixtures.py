"""Fixtures of the exporter's tests: tiny checkpoints exported once a run, and folders to export into."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import astuple, dataclass, field
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import Artifact, open_artifact
from unit.export.places import Place, run
from unit.runtime.command import Outcome
from unit.runtime.fixtures import biolord

__all__ = ["biolord", "checkpoint", "exported", "place"]

TARGETS = ("cpu-fp32", "cpu-int4", "cpu-int8")
ARCHITECTURES = ("bert", "mpnet")


@dataclass(frozen=True)
class Exported:
    """An artifact made by ``biolord export``, and what the command said."""

    path: Path
    outcome: Outcome

    @property
    def artifact(self) -> Artifact:
        """The artifact, checked."""
        return open_artifact(self.path)


@dataclass
class Exports:
    """Exports a tiny checkpoint to a target the first time that a test asks for it."""

    folder: Path
    checkpoints: dict[str, Path]
    made: dict[tuple[str, str], Exported] = field(default_factory=dict)

    def __call__(self, architecture: str, target: str) -> Exported:
        """Return the artifact; tests read it and copy it to change it."""
        key = architecture, target
        if key not in self.made:
            self.made[key] = self._made_once("-".join(key), self.checkpoints[architecture], target)
        return self.made[key]

    def _made_once(self, name: str, checkpoint: Path, target: str) -> Exported:
        """Export, or wait until another process that runs tests has; its outcome stands beside the artifact."""
        out, said = self.folder / name, self.folder / f"{name}.json"
        with (self.folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not said.exists():
                outcome = run("export", checkpoint, out, "--target", target)
                assert outcome.code == 0, outcome
                said.write_text(json.dumps(astuple(outcome)), encoding="utf-8")
        return Exported(out, Outcome(*json.loads(said.read_text(encoding="utf-8"))))


@pytest.fixture(scope="session")
def exported(
    tmp_path_factory: pytest.TempPathFactory, tiny_mpnet: Path, tiny_bert: Path
) -> Callable[[str, str], Exported]:
    """Give artifacts of the tiny checkpoints by architecture and target."""
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    folder = tmp_path_factory.mktemp("exported") if alone else tmp_path_factory.getbasetemp().parent / "exported"
    folder.mkdir(exist_ok=True)
    return Exports(folder, {"mpnet": tiny_mpnet, "bert": tiny_bert})


@pytest.fixture
def checkpoint(tiny_mpnet: Path, tmp_path: Path) -> Path:
    """Give a tiny checkpoint to damage."""
    return shutil.copytree(tiny_mpnet, tmp_path / "checkpoints" / "tiny-mpnet")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give an empty folder to export into."""
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder)
