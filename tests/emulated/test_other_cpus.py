"""Tiny artefacts, exported here, on CPUs without integer dot products.

Haswell's kernels have AVX2 and saturate. Nehalem's, older than AVX2, are exact. Under qemu both show the flags of this
machine in /proc/cpuinfo.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emulated.emulator import Emulator, find_emulator
from unit.export.fixtures import Exported
from unit.runtime.command import run_process

pytestmark = pytest.mark.real

TEXTS = ("Cat scratch injury", "Bartonellosis", "acute myocardial infarction of the anterior wall", "x")
SAME_STEPS = 1e-5
"""Relative distance that the order of float32 additions may leave."""
OTHER_STEPS = 1e-3
"""And with inputs that are rounded to 8 bits at run time, of which one may fall the other way."""
VISIBLY_WRONG = 0.02

Export = Callable[[str, str], Exported]


def embed(run: Callable[..., object], artefact: Path, output: Path) -> NDArray[np.float32]:
    """Embed the texts by a way of running ``biolord``."""
    outcome = run("embed", artefact, *TEXTS, "--threads", 1, "--output", output)
    assert output.exists(), outcome
    return np.asarray(np.load(output), dtype=np.float32)


def distances(found: NDArray[np.float32], exact: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each vector's distance from the exact one, relative to its length."""
    return np.asarray(np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1))


def haswell_distances(emulator: Emulator, artefact: Path, folder: Path, *, guarded: bool = True) -> NDArray[np.float32]:
    """Compare vectors from an emulated Haswell with those from this machine."""

    def run(*arguments: object) -> object:
        return emulator.biolord("Haswell", *arguments, guarded=guarded)

    return distances(embed(run, artefact, folder / "haswell.npy"), embed(run_process, artefact, folder / "here.npy"))


@pytest.mark.parametrize("architecture", ["mpnet", "bert"])
def test_static_int8_is_wrong_on_a_saturating_cpu(
    emulator: Emulator, exported: Export, tmp_path: Path, architecture: str
) -> None:
    """The danger: with the guard off, every vector comes out wrong, and nothing says so."""
    artefact = exported(architecture, "cpu-int8").path
    assert haswell_distances(emulator, artefact, tmp_path, guarded=False).min() > VISIBLY_WRONG


def test_static_int8_is_refused_on_a_saturating_cpu(emulator: Emulator, exported: Export, tmp_path: Path) -> None:
    """The guard: one line that names both sums and the target that is right there, and no file."""
    artefact = exported("mpnet", "cpu-int8").path
    outcome = emulator.biolord("Haswell", "embed", artefact, *TEXTS, "--output", tmp_path / "vectors.npy")
    outcome.assert_error("its 8-bit products saturate (a sum is 1834952, expected 3527160): ")
    assert "export with --target cpu-int8-block" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_info_tells_of_a_saturating_cpu(emulator: Emulator, exported: Export) -> None:
    """``biolord info`` shows what keeps the artefact from running."""
    outcome = emulator.biolord("Haswell", "info", exported("mpnet", "cpu-int8").path, "--json")
    here = json.loads(outcome.out)["here"]
    assert (outcome.code, here["provider"]) == (0, None)
    assert "its 8-bit products saturate" in here["problem"]


@pytest.mark.parametrize(("target", "bound"), [("cpu-int8-block", OTHER_STEPS), ("cpu-fp32", SAME_STEPS)])
def test_other_targets_are_right_on_a_saturating_cpu(
    emulator: Emulator, exported: Export, tmp_path: Path, target: str, bound: float
) -> None:
    """The way out: these give the vectors that they give here."""
    assert haswell_distances(emulator, exported("mpnet", target).path, tmp_path).max() < bound


def test_static_int8_runs_on_an_old_cpu_with_exact_kernels(
    emulator: Emulator, exported: Export, tmp_path: Path
) -> None:
    """No dot products, but right vectors: that CPU isn't turned away."""
    artefact = exported("mpnet", "cpu-int8").path

    def run(*arguments: object) -> object:
        return emulator.biolord("Nehalem", *arguments)

    found = embed(run, artefact, tmp_path / "nehalem.npy")
    assert distances(found, embed(run_process, artefact, tmp_path / "here.npy")).max() < OTHER_STEPS


def test_a_missing_emulator_fails_where_nothing_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true these tests can't pass by being skipped; elsewhere the reason names the package."""
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install qemu-user"):
        find_emulator()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="apt-get install qemu-user"):
        find_emulator()
