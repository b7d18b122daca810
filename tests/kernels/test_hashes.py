"""One hash on every CPU: the kernels as a program of their own, here, on older x86 CPUs and on Arm, under qemu."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import hatch_build
from biolord_onnx.session import kernels
from guards.missing import find_program

pytestmark = pytest.mark.real

GOLDEN = {
    "heads": "7daa3d371c67e08b",
    "64-128-8-8": "3b73f081976fb0b0",
    "64-128-4-8": "888a3c5f3a530ec0",
    "384-1536-8-8": "520fe7854dcb8eac",
    "768-3072-4-8": "aaf839c09bf7ff3f",
    "64-128-8-16": "07700e18b9e331ab",
    "64-128-4-16": "b96e68e219a5d402",
    "768-3072-8-16": "726425fbb2e93f25",
    "modern-64-128-8-8": "ad58dee717e2c4b2",
    "modern-64-128-4-16": "535546d67d9f97b6",
    "modern-768-1152-8-16": "350a531d47557536",
    "scan-64": "71fb8263dc90c8f5",
    "scan-768": "5e605622f566d4d0",
}
"""Hashes of what follows the last layer, of made-up encoders' vectors, by dim, inner channels, bits of weights and of
the values' activations, and of what the scan of an index shows, by dim. Only the operators' version changes them."""


def hashes(platform: str, *emulator: str) -> dict[str, set[str]]:
    """Run the program and return each kind's hashes, after checking that all are the golden ones."""
    program = hatch_build.build_program(platform, hatch_build.SOURCES / "tests" / "hashes.cc")
    output = subprocess.run([*emulator, str(program)], capture_output=True, text=True, check=True, timeout=300).stdout
    kinds: dict[str, set[str]] = {}
    for line in output.splitlines():
        model, kind, found = line.split()
        assert found == GOLDEN[model], line
        kinds.setdefault(kind, set()).add(model)
    assert all(models == set(GOLDEN) for models in kinds.values())
    return kinds


def test_here() -> None:
    """All kinds that this machine has."""
    platform = hatch_build.this_platform()
    if platform is None or not platform.startswith("linux"):
        pytest.skip("the program is linked statically, which only Linux's targets can be")
    assert set(hashes(platform)) == set(kernels.available())


@pytest.mark.parametrize(("cpu", "kinds"), [("Haswell", {"avx2", "plain"}), ("Nehalem", {"plain"})])
def test_older_x86(cpu: str, kinds: set[str]) -> None:
    """Without dot products, and without AVX at all: the kinds that the CPU can't run aren't offered."""
    assert set(hashes("linux_x86_64", find_program("qemu-x86_64", "qemu-user"), "-cpu", cpu)) == kinds


@pytest.mark.parametrize(
    ("cpu", "kinds"),
    [
        ("max", {"neon_i8mm", "neon_dotprod", "plain"}),
        ("neoverse-n1", {"neon_dotprod", "plain"}),
        ("cortex-a57", {"plain"}),
    ],
)
def test_arm(cpu: str, kinds: set[str]) -> None:
    """With matrix products, with dot products, with neither."""
    assert set(hashes("linux_aarch64", find_program("qemu-aarch64", "qemu-user"), "-cpu", cpu)) == kinds


def test_gcc_gives_the_same_bits(tmp_path: Path) -> None:
    """Another compiler."""
    if hatch_build.this_platform() != "linux_x86_64":
        pytest.skip("the flags are those of an x86 Linux")
    compiler = find_program("g++", "g++")
    flags = [
        flag for flag in hatch_build.FLAGS if flag not in {"-fno-sanitize=undefined", "-Werror", "-Wall", "-Wextra"}
    ]
    jobs: list[tuple[Path, tuple[str, ...]]] = [
        (hatch_build.SOURCES / "kinds" / f"{kind}.cc", options) for kind, options in hatch_build.X86_KINDS.items()
    ]
    names = ("arena.cc", "phases.cc", "cpu.cc", "dispatch.cc", "tests/hashes.cc")
    jobs += [(hatch_build.SOURCES / name, ()) for name in names]
    objects = []
    for source, options in jobs:
        objects.append(str(tmp_path / f"{source.stem}.o"))
        command = [compiler, *flags, *options, f"-I{hatch_build.SOURCES}", "-c", str(source), "-o", objects[-1]]
        subprocess.run(command, check=True, timeout=300)
    subprocess.run([compiler, *objects, "-o", str(tmp_path / "hashes")], check=True)
    output = subprocess.run([str(tmp_path / "hashes")], capture_output=True, text=True, check=True).stdout
    assert {tuple(line.split()[::2]) for line in output.splitlines()} == set(GOLDEN.items())
