"""CPU features and what artefacts need of them."""

from __future__ import annotations

import platform
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_onnx.cpu import check_requirements, cpu_features, cpu_model
from biolord_onnx.errors import ArtifactError
from biolord_onnx.manifest import Manifest, Requirements
from unit.runtime.tiny_artifact import tiny_manifest

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


def test_an_artefact_without_needs_runs_anywhere() -> None:
    """No listed feature means any CPU."""
    check_requirements(needing(), frozenset(), environ={})


def test_one_feature_of_several_is_enough() -> None:
    """The list is an any-of."""
    check_requirements(needing("avx_vnni", "asimddp"), frozenset({"asimddp", "fp"}), environ={})


def test_a_lacking_cpu_is_refused() -> None:
    """The message names what is needed, the CPU, and the target that runs there."""
    with pytest.raises(ArtifactError) as raised:
        check_requirements(needing("avx_vnni", "asimddp"), frozenset({"avx2"}), environ={})
    message = str(raised.value)
    assert message.startswith("tiny-cpu-fp32 needs a CPU with one of avx_vnni, asimddp; ")
    assert cpu_model() in message
    assert "export with --target cpu-int8-block" in message


def test_the_check_can_be_overridden() -> None:
    """BIOLORD_IGNORE_CPU_FEATURES=1 runs it all the same, any other value doesn't."""
    check_requirements(needing("x"), frozenset(), environ={"BIOLORD_IGNORE_CPU_FEATURES": "1"})
    with pytest.raises(ArtifactError):
        check_requirements(needing("x"), frozenset(), environ={"BIOLORD_IGNORE_CPU_FEATURES": "0"})
