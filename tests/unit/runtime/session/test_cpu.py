"""CPU features and what artifacts need of them."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_onnx.artifact.manifest import Manifest, Requirements
from biolord_onnx.errors import ArtifactError
from biolord_onnx.session.cpu import check_requirements, cpu_features, cpu_model
from biolord_onnx.session.saturation import ProductSum
from unit.runtime.tiny_artifact import tiny_manifest

EXACT = ProductSum(2_072_640, 2_072_640)
SATURATED = ProductSum(1_048_544, 2_072_640, saturated=True)
X86 = """\
processor\t: 0
model name\t: Example Xeon
flags\t\t: fpu avx2 avx512_vnni

processor\t: 1
model name\t: Other
flags\t\t: fpu
"""
ARM = """\
processor\t: 0
BogoMIPS\t: 50.00
Features\t: fp asimd asimddp
CPU part\t: 0xd0c
"""


def cpuinfo(tmp_path: Path, text: str) -> Path:
    """Write a description of CPUs."""
    path = tmp_path / "cpuinfo"
    path.write_text(text, encoding="utf-8")
    return path


def sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program ``sysctl`` first on the path."""
    program = tmp_path / "sysctl"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


def needing(*features: str) -> Manifest:
    """Return a manifest that needs one of these features."""
    return replace(tiny_manifest(), requires=Requirements("1.20", features))


def test_x86_flags(tmp_path: Path) -> None:
    """The flags of the first CPU count."""
    path = cpuinfo(tmp_path, X86)
    assert cpu_features(path, system="linux") == {"fpu", "avx2", "avx512_vnni"}
    assert cpu_model(path, system="linux") == "Example Xeon"


def test_arm_features(tmp_path: Path) -> None:
    """Arm calls them Features, and often tells no name."""
    path = cpuinfo(tmp_path, ARM)
    assert cpu_features(path, system="linux") == {"fp", "asimd", "asimddp"}
    assert cpu_model(path, system="linux") == platform.machine()


def test_no_description(tmp_path: Path) -> None:
    """Where the system tells nothing, no feature is known."""
    assert cpu_features(tmp_path / "nothing", system="win32") == frozenset()
    assert cpu_model(tmp_path / "nothing", system="win32") == platform.machine()


def test_macos_asks_sysctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS the features get their Linux names."""
    sysctl(
        tmp_path,
        monkeypatch,
        'case "$2" in *DotProd) echo 1;; *I8MM) echo 0;; *brand_string) echo Apple M2;; esac',
    )
    assert cpu_features(system="darwin") == {"asimddp"}
    assert cpu_model(system="darwin") == "Apple M2"


def test_macos_without_an_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown key or a missing sysctl means no features."""
    sysctl(tmp_path, monkeypatch, "exit 1")
    assert cpu_features(system="darwin") == frozenset()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert cpu_features(system="darwin") == frozenset()
    assert cpu_model(system="darwin") == platform.machine()


def unasked() -> ProductSum:
    """Stand for kernels that must not be asked."""
    raise AssertionError("the kernels were asked")


def test_an_artifact_without_needs_runs_anywhere() -> None:
    """No listed feature means any CPU, and nothing to measure."""
    check_requirements(needing(), frozenset(), unasked, environ={})


def test_other_features_are_looked_up() -> None:
    """A feature that is no dot product must be in the flags; of several one is enough."""
    check_requirements(needing("fma", "sve"), frozenset({"sve", "fp"}), unasked, environ={})
    with pytest.raises(ArtifactError) as raised:
        check_requirements(needing("fma", "sve"), frozenset({"avx2"}), unasked, environ={})
    message = str(raised.value)
    assert message.startswith("tiny-cpu-fp32 needs a CPU with one of fma, sve; ")
    assert f"{cpu_model()} has none of them" in message
    assert "export with --target cpu-int8" in message


@pytest.mark.parametrize("features", [{"avx_vnni"}, {"asimddp", "fp"}, {"avx2"}, set()])
def test_exact_kernels_run_whatever_the_flags(features: set[str]) -> None:
    """A CPU that multiplies exactly gives right vectors, with the feature or without."""
    check_requirements(needing("avx_vnni", "asimddp"), frozenset(features), lambda: EXACT, environ={})


def test_saturating_kernels_are_refused() -> None:
    """The message names the artifact, the CPU, what it lacks, both sums, and the target that is right there."""
    with pytest.raises(ArtifactError) as raised:
        check_requirements(needing("avx_vnni", "asimddp"), frozenset({"avx2"}), lambda: SATURATED, environ={})
    assert str(raised.value) == (
        f"tiny-cpu-fp32 would give wrong vectors here: {cpu_model()} has none of avx_vnni, asimddp, and its 8-bit "
        "products saturate (a sum is 1048544, expected 2072640): export with --target cpu-int8, or set "
        "BIOLORD_IGNORE_CPU_FEATURES=1 to run it all the same"
    )


def test_flags_are_not_believed_against_the_kernels() -> None:
    """Under emulation the system shows the host's flags; the message says which of them aren't true."""
    features = frozenset({"avx2", "avx512_vnni"})
    with pytest.raises(ArtifactError, match="lists avx512_vnni but does not run it, and its 8-bit products saturate"):
        check_requirements(needing("avx512_vnni", "asimddp"), features, lambda: SATURATED, environ={})


@pytest.mark.parametrize("feature", ["sve", "avx_vnni"])
def test_the_check_can_be_overridden(feature: str) -> None:
    """BIOLORD_IGNORE_CPU_FEATURES=1 runs it all the same, any other value doesn't."""
    manifest = needing(feature)
    check_requirements(manifest, frozenset(), lambda: SATURATED, environ={"BIOLORD_IGNORE_CPU_FEATURES": "1"})
    with pytest.raises(ArtifactError):
        check_requirements(manifest, frozenset(), lambda: SATURATED, environ={"BIOLORD_IGNORE_CPU_FEATURES": "0"})
