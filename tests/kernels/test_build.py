"""How wheels come by the compiled library."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hatch_build

HEADS = {"linux": b"\x7fELF", "macos": b"\xcf\xfa\xed\xfe", "windows": b"MZ"}
LARGEST = 700_000
SECONDS = 900


def wheel(folder: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> zipfile.ZipFile:
    """Build a wheel as a front end would, with this environment's packages."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=hatch_build.ROOT, check=True, capture_output=True, timeout=SECONDS)
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def native(archive: zipfile.ZipFile) -> list[str]:
    """Return the compiled libraries in a wheel."""
    return [name for name in archive.namelist() if "_native" in name]


def test_a_wheel_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pure Python, even where a library lies in the tree."""
    archive = wheel(tmp_path, monkeypatch)
    assert native(archive) == []
    assert str(archive.filename).endswith("py3-none-any.whl")


def test_a_platform_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused with those that do, and the way around."""
    monkeypatch.setenv("BIOLORD_KERNELS_PLATFORM", "plan9_mips")
    with pytest.raises(
        RuntimeError, match="no kernels for BIOLORD_KERNELS_PLATFORM=plan9_mips, only for linux_x86_64, "
    ):
        hatch_build.wanted_platform()


def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what to install."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match="the compiler is missing: pip install 'ziglang"):
        hatch_build.zig("version")


def test_a_source_that_does_not_compile(tmp_path: Path) -> None:
    """The build fails, it doesn't leave the library out."""
    broken = tmp_path / "broken.cc"
    broken.write_text("int broken(")
    with pytest.raises(RuntimeError, match=r"zig c\+\+ ended with 1 for .*broken\.cc"):
        hatch_build.compile_one(hatch_build.TARGETS["linux_x86_64"], broken, (), tmp_path)


def test_a_change_of_a_source_is_another_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is by content, and tests of the kernels don't count."""
    (tmp_path / "tests").mkdir()
    monkeypatch.setattr(hatch_build, "SOURCES", tmp_path)
    before = hatch_build.cached("linux_x86_64")
    (tmp_path / "tests" / "hashes.cc").write_text("")
    assert hatch_build.cached("linux_x86_64") == before
    (tmp_path / "cpu.cc").write_text("")
    assert hatch_build.cached("linux_x86_64") != before


@pytest.mark.real
@pytest.mark.parametrize("name", hatch_build.TARGETS)
def test_a_wheel_for_every_platform(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made on this machine: one library, of the platform's format, small, and tagged so that pip chooses it."""
    archive = wheel(tmp_path, monkeypatch, BIOLORD_KERNELS_PLATFORM=name)
    (library,) = native(archive)
    content = archive.read(library)
    assert content.startswith(HEADS[name.split("_", maxsplit=1)[0]])
    assert len(content) <= LARGEST
    assert str(archive.filename).endswith(f"py3-none-{hatch_build.TARGETS[name].wheel}.whl")
    assert b"Root-Is-Purelib: false" in archive.read(next(n for n in archive.namelist() if n.endswith("/WHEEL")))
