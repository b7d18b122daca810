"""Tiny artifacts, exported here, on CPUs without integer dot products: compiled operators, and onnxruntime's.

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

from emulated import older_cpu
from emulated.emulator import Emulator, find_emulator
from emulated.portable import export_portable
from unit.export.fixtures import Exported
from unit.export.places import run_with
from unit.runtime.command import run_process

pytestmark = pytest.mark.real

TEXTS = ("Cat scratch injury", "Bartonellosis", "acute myocardial infarction of the anterior wall", "x")
SAME_STEPS = 1e-5
"""Relative distance that the order of float32 additions may leave."""
OTHER_STEPS = 1e-3
"""And with inputs that are rounded to 8 bits at run time, of which one may fall the other way."""
VISIBLY_WRONG = 0.02

Export = Callable[[str, str], Exported]


def embed(run: Callable[..., object], artifact: Path, output: Path) -> NDArray[np.float32]:
    """Embed the texts by a way of running ``biolord``."""
    outcome = run("embed", artifact, *TEXTS, "--threads", 1, "--output", output)
    assert output.exists(), outcome
    return np.asarray(np.load(output), dtype=np.float32)


def distances(found: NDArray[np.float32], exact: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each vector's distance from the exact one, relative to its length."""
    return np.asarray(np.linalg.norm(found - exact, axis=1) / np.linalg.norm(exact, axis=1))


def haswell_distances(emulator: Emulator, artifact: Path, folder: Path, *, guarded: bool = True) -> NDArray[np.float32]:
    """Compare vectors from an emulated Haswell with those from this machine."""

    def run(*arguments: object) -> object:
        return emulator.biolord("Haswell", *arguments, guarded=guarded)

    return distances(embed(run, artifact, folder / "haswell.npy"), embed(run_process, artifact, folder / "here.npy"))


@pytest.fixture(scope="module")
def portable(tiny_bert: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An artifact whose products are onnxruntime's."""
    return export_portable(tiny_bert, tmp_path_factory.mktemp("portable") / "int8")


@pytest.mark.parametrize("cpu", ["Haswell", "Nehalem"])
@pytest.mark.parametrize(("architecture", "target"), [("mpnet", "cpu-int8"), ("bert", "cpu-int4")])
def test_compiled_operators_give_the_same_bits_on_other_cpus(
    emulator: Emulator, exported: Export, architecture: str, target: str, cpu: str
) -> None:
    """What was exported here is verified there, and the kernels are those of that CPU."""
    outcome = emulator.biolord(cpu, "verify", exported(architecture, target).path, "--json")
    golden = json.loads(outcome.out)["golden"]
    assert (outcome.code, golden["same"]) == (0, True), outcome
    assert golden["kernels"] == {"Haswell": "avx2", "Nehalem": "plain"}[cpu]


@pytest.mark.skipif(not older_cpu.is_possible(), reason="CPUID of this machine can't be made to fault")
@pytest.mark.parametrize(("architecture", "target"), [("mpnet", "cpu-int8"), ("bert", "cpu-int4")])
def test_an_older_cpu_at_full_speed_gives_the_same_bits(
    exported: Export, tmp_path: Path, architecture: str, target: str
) -> None:
    """Not emulated: this CPU, which says that it has neither AVX-512 nor VNNI nor AMX."""
    environment = {"LD_PRELOAD": str(older_cpu.build(tmp_path))}
    outcome = run_with(environment, "verify", exported(architecture, target).path, "--json")
    golden = json.loads(outcome.out)["golden"]
    assert (outcome.code, golden["same"], golden["kernels"]) == (0, True, "avx2"), outcome


def test_portable_int8_is_wrong_on_a_saturating_cpu(emulator: Emulator, portable: Path, tmp_path: Path) -> None:
    """The danger: with the guard off, every vector comes out wrong, and nothing says so."""
    assert haswell_distances(emulator, portable, tmp_path, guarded=False).min() > VISIBLY_WRONG


def test_portable_int8_is_refused_on_a_saturating_cpu(emulator: Emulator, portable: Path, tmp_path: Path) -> None:
    """The guard: one line that names both sums and the target that is right there, and no file."""
    outcome = emulator.biolord("Haswell", "embed", portable, *TEXTS, "--output", tmp_path / "vectors.npy")
    outcome.assert_error("its 8-bit products saturate (a sum is 1834952, expected 3527160): ")
    assert "export with --target cpu-int8" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_info_tells_of_a_saturating_cpu(emulator: Emulator, portable: Path) -> None:
    """``biolord info`` shows what keeps the artifact from running."""
    outcome = emulator.biolord("Haswell", "info", portable, "--json")
    here = json.loads(outcome.out)["here"]
    assert (outcome.code, here["provider"]) == (0, None)
    assert "its 8-bit products saturate" in here["problem"]


def test_float32_is_right_on_a_saturating_cpu(emulator: Emulator, exported: Export, tmp_path: Path) -> None:
    """It gives the vectors that it gives here."""
    assert haswell_distances(emulator, exported("mpnet", "cpu-fp32").path, tmp_path).max() < SAME_STEPS


def test_portable_int8_runs_on_an_old_cpu_with_exact_kernels(
    emulator: Emulator, portable: Path, tmp_path: Path
) -> None:
    """No dot products, but right vectors: that CPU isn't turned away."""

    def run(*arguments: object) -> object:
        return emulator.biolord("Nehalem", *arguments)

    found = embed(run, portable, tmp_path / "nehalem.npy")
    assert distances(found, embed(run_process, portable, tmp_path / "here.npy")).max() < OTHER_STEPS


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
