"""Artifacts of the reference models, exported once a session by the command that users type."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from biolord_export.demo.models import REFERENCES, reference_model
from biolord_export.demo.run import STAND_IN, TARGET
from biolord_export.verification.fidelity import GroupFidelity
from biolord_onnx.artifact.folder import Artifact, open_artifact
from guards.demo import first_demo
from unit.runtime.command import run_process

MPNET = "all-mpnet-base-v2"
MINILM = "all-minilm-l6-v2"
SHARED = "BIOLORD_REAL_EXPORTS"


def demo_artifact() -> Artifact:
    """Return what `make demo` made: BioLORD-2023's artifact, or its stand-in's where the hub can't be reached."""
    return open_artifact(first_demo().artifact)


def describe(artifact: Artifact, group: GroupFidelity) -> str:
    """Put the fidelity of an artifact on one kind of text into a line."""
    cosines = f"cosine mean {group.cosine_mean:.5f}, minimum {group.cosine_min:.5f}"
    neighbors = f"same nearest {100 * group.top1:.1f} %, top-10 overlap {100 * group.top10:.1f} %"
    return f"{artifact.manifest.name}, {group.texts} {group.kind}: {cosines}, {neighbors}"


@contextmanager
def real_exports(make_folder: Callable[[], Path]) -> Iterator[RealExports]:
    """Give the artifacts of the reference models: one set for all runs of tests that `make test` starts.

    Args:
        make_folder: makes a place for those of this run alone, where it is run by itself.
    """
    shared = os.environ.get(SHARED)
    if shared:
        Path(shared).mkdir(parents=True, exist_ok=True)
        yield RealExports(Path(shared))
        return
    folder = make_folder()
    yield RealExports(folder)
    shutil.rmtree(folder)  # a float32 artifact takes half a gigabyte


@dataclass
class RealExports:
    """Exports a reference model to a target the first time that a test asks for it.

    Attributes:
        folder: Where the artifacts go; other processes may use it, too.
        made: Those that are there.
    """

    folder: Path
    made: dict[tuple[str, str], Artifact] = field(default_factory=dict)

    def __call__(self, model: str, target: str) -> Artifact:
        """Return the artifact; the demo's own where it is of this model and target."""
        if (model, target) not in self.made:
            self.made[model, target] = self._from_demo(model, target) or self._export(model, target)
        return self.made[model, target]

    def _from_demo(self, model: str, target: str) -> Artifact | None:
        if (model, target) != (STAND_IN, TARGET):
            return None
        artifact = demo_artifact()
        weights = REFERENCES[model].files["model.safetensors"]
        return artifact if artifact.manifest.source.weights == {"model.safetensors": weights} else None

    def _export(self, model: str, target: str) -> Artifact:
        out = self.folder / f"{model}-{target}"
        with self.folder.joinpath(f"{out.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not out.exists():  # an export appears when it is whole
                outcome = run_process("export", reference_model(model), out, "--target", target)
                assert outcome.code == 0, outcome
        return open_artifact(out)
