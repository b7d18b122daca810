"""How wheels come by the compiled library, and what is done where there can be none."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

import hatch_build
from kernels.binaries import Binary, read_binary

VARIABLES = (hatch_build.SWITCH, hatch_build.PLATFORM)
LARGEST = 700_000
SECONDS = 900
SECONDS_FROM_NOTHING = 60
CORES = 2
GLIBC = frozenset({"libc.so.6"})
MACOS = frozenset({"/usr/lib/libSystem.B.dylib"})
_PARTS = ("environment", "heap", "private", "runtime", "stdio", "string")
UNIVERSAL_C = {f"api-ms-win-crt-{part}-l1-1-0.dll" for part in _PARTS}
EXPECTED = {
    "linux_x86_64": Binary("x86_64", (2, 17), GLIBC),
    "linux_aarch64": Binary("aarch64", (2, 17), GLIBC),
    "macos_x86_64": Binary("x86_64", (11, 0), MACOS),
    "macos_arm64": Binary("arm64", (11, 0), MACOS, signed=True),
    "windows_amd64": Binary("amd64", None, frozenset({"kernel32.dll", *UNIVERSAL_C})),
}


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests may have said something else."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def hatchling(folder: Path, target: str = "wheel") -> subprocess.CompletedProcess[str]:
    """Build as a front end would, with this environment's packages."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    return subprocess.run(command, cwd=hatch_build.ROOT, check=False, capture_output=True, text=True, timeout=SECONDS)


def only_wheel(folder: Path) -> zipfile.ZipFile:
    """Open the one wheel in a folder."""
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def native(archive: zipfile.ZipFile) -> list[str]:
    """Return what was compiled in a wheel, and the file that says for which machines."""
    return sorted(name for name in archive.namelist() if "_native" in name)


def on(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, libc: str = "glibc", bits: int = 64) -> None:
    """Answer as another machine's Python would."""
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(platform, "libc_ver", lambda: (libc, ""))
    monkeypatch.setattr(sys, "maxsize", 2 ** (bits - 1) - 1)


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [
        ("Linux", "x86_64", "linux_x86_64"),
        ("Linux", "aarch64", "linux_aarch64"),
        ("Darwin", "arm64", "macos_arm64"),
        ("Darwin", "x86_64", "macos_x86_64"),
        ("Windows", "AMD64", "windows_amd64"),
        ("Windows", "ARM64", None),
        ("Linux", "riscv64", None),
        ("Linux", "ppc64le", None),
        ("FreeBSD", "amd64", None),
    ],
)
def test_machines(monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: str | None) -> None:
    """As `platform` names them."""
    on(monkeypatch, system, machine, "glibc" if system == "Linux" else "")
    assert hatch_build.this_platform() == expected


def test_an_emulated_python_of_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """On Windows for Arm most Pythons are for x86; `platform` names the machine."""
    on(monkeypatch, "Windows", "ARM64", "")
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sysconfig, "get_platform", lambda: "win-amd64")
    assert hatch_build.this_platform() == "windows_amd64"


@pytest.mark.parametrize(
    ("libc", "bits", "described"),
    [
        ("", 64, "64-bit Python on Linux x86_64 with another libc than glibc"),
        ("musl", 64, "64-bit Python on Linux x86_64 with musl"),
        ("glibc", 32, "32-bit Python on Linux x86_64 with glibc"),
    ],
)
def test_a_machine_without_a_target(monkeypatch: pytest.MonkeyPatch, libc: str, bits: int, described: str) -> None:
    """Alpine, and 32 bits: an install gets a pure wheel, whose maker says so, or an error if the library is a must."""
    on(monkeypatch, "Linux", "x86_64", libc, bits)
    assert hatch_build.wanted_platform() is None
    assert hatch_build.why_without() == (
        f"there are none for {described}; artifacts of cpu-int8 and cpu-int4 will not load, those of other targets will"
    )
    monkeypatch.setenv(hatch_build.SWITCH, "on")
    expected = f"no operators for {described}, only for linux_x86_64, .*; set BIOLORD_BUILD_KERNELS=off to do without"
    with pytest.raises(RuntimeError, match=expected):
        hatch_build.wanted_platform()
    with pytest.raises(SystemExit, match=f"no operators for {described}, only for linux_x86_64, "):
        hatch_build.main(["install"])


def test_the_default_is_this_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said, or said to be automatic; another one only if it is named."""
    on(monkeypatch, "Linux", "aarch64")
    for value in ("", "auto", "on"):
        monkeypatch.setenv(hatch_build.SWITCH, value)
        assert hatch_build.wanted_platform() == "linux_aarch64"
    monkeypatch.setenv(hatch_build.PLATFORM, "windows_amd64")
    assert hatch_build.wanted_platform() == "windows_amd64"


@pytest.mark.parametrize(
    ("switch", "target", "message"),
    [
        ("ON", "", "BIOLORD_BUILD_KERNELS is 'ON', expected on, off or auto"),
        ("1", "", "BIOLORD_BUILD_KERNELS is '1', expected on, off or auto"),
        ("off", "macos_arm64", "BIOLORD_BUILD_KERNELS is off, and BIOLORD_KERNELS_PLATFORM is macos_arm64: unset one"),
        ("", "plan9_mips", "no operators for BIOLORD_KERNELS_PLATFORM=plan9_mips, only for linux_x86_64, "),
    ],
)
def test_variables_that_mean_nothing(monkeypatch: pytest.MonkeyPatch, switch: str, target: str, message: str) -> None:
    """Refused: a typing error would be a wheel without the library."""
    monkeypatch.setenv(hatch_build.SWITCH, switch)
    monkeypatch.setenv(hatch_build.PLATFORM, target)
    with pytest.raises(RuntimeError, match=message):
        hatch_build.wanted_platform()


def test_a_wheel_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pure Python, even where a library lies in the tree; whoever makes it is told."""
    monkeypatch.setenv(hatch_build.SWITCH, "off")
    made = hatchling(tmp_path)
    assert made.returncode == 0, made.stderr
    assert "without compiled operators: BIOLORD_BUILD_KERNELS is off; artifacts of cpu-int8 and cpu-int4" in made.stderr
    archive = only_wheel(tmp_path)
    assert native(archive) == []
    assert str(archive.filename).endswith("py3-none-any.whl")


def test_a_wheel_of_this_machine(tmp_path: Path) -> None:
    """Without a word said: the library, which runs here, and the tag of both."""
    name = hatch_build.this_platform()
    if name is None:
        pytest.skip(f"there is no target for {hatch_build.here()}")
    made = hatchling(tmp_path)
    assert (made.returncode, "without" in made.stderr) == (0, False), made.stderr
    check_wheel(only_wheel(tmp_path), name)
    only_wheel(tmp_path).extractall(tmp_path / "site")
    code = "from biolord_onnx.session import kernels; print(kernels.library_path(), *kernels.available())"
    command = [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); {code}"]
    library, *kinds = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert Path(library).is_relative_to(tmp_path)
    assert kinds[-1] == "plain"


def check_wheel(archive: zipfile.ZipFile, name: str) -> None:
    """Check a platform's wheel: its tag, its record, its notices, and one library that is small and loads there."""
    target = hatch_build.TARGETS[name]
    assert str(archive.filename).endswith(f"-py3-none-{target.wheel}.whl")
    library, tag = f"biolord_onnx/_native/{target.library}", "biolord_onnx/_native/TAG"
    assert native(archive) == sorted([library, tag])
    (wheel,) = (archive.read(one).decode() for one in archive.namelist() if one.endswith(".dist-info/WHEEL"))
    assert "\nRoot-Is-Purelib: false\n" in wheel
    assert re.findall(r"^Tag: (.*)$", wheel, re.MULTILINE) == [target.tag] == archive.read(tag).decode().split()
    check_record(archive)
    content = archive.read(library)
    assert len(content) <= LARGEST
    found = read_binary(content)
    assert (found.machine, found.libraries, found.signed) == (
        EXPECTED[name].machine,
        EXPECTED[name].libraries,
        EXPECTED[name].signed,
    )
    assert (found.oldest or ()) <= (EXPECTED[name].oldest or ())
    assert b"RegisterCustomOps" in content
    # Nothing of the machine that compiled it.
    assert str(hatch_build.ROOT).encode() not in content


def check_record(archive: zipfile.ZipFile) -> None:
    """Check that every file but the record itself is in the record, with its hash and size."""
    (record,) = (name for name in archive.namelist() if name.endswith(".dist-info/RECORD"))
    rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(archive.read(record).decode()))}
    assert rows.keys() == {name for name in archive.namelist() if not name.endswith("/")}
    for name in rows.keys() - {record}:
        content = archive.read(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        assert rows[name] == (f"sha256={digest}", str(len(content))), name


def test_a_missing_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    """Says what to install, and the way without."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    expected = "the compiler is missing: pip install 'ziglang==.*', or set BIOLORD_BUILD_KERNELS=off to do without"
    with pytest.raises(RuntimeError, match=expected):
        hatch_build.zig("version")


def test_the_compiler_that_is_tested_is_the_one_that_users_get() -> None:
    """Zig changes its options from release to release."""
    tools = (hatch_build.ROOT / "requirements" / "tools.txt").read_text("utf-8").splitlines()
    assert hatch_build.COMPILER in tools


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


def test_a_tree_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone on a read-only file system can be installed from: the library is kept elsewhere, for this process."""
    (tmp_path / "file").touch()
    monkeypatch.setattr(hatch_build, "CACHE", tmp_path / "file" / "kernels")
    hatch_build.cache_folder.cache_clear()
    try:
        folder = hatch_build.cache_folder()
        assert hatch_build.cached("linux_x86_64").is_relative_to(folder)
        assert folder.is_dir()
        assert folder == hatch_build.cache_folder()
        shutil.rmtree(folder)
    finally:
        hatch_build.cache_folder.cache_clear()


def test_an_editable_install_is_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another platform's library beside the sources would break the tree."""
    here = hatch_build.this_platform()
    other = next(name for name in hatch_build.TARGETS if name != here)
    monkeypatch.setattr(hatch_build, "build", lambda _: pytest.fail("it was built"))
    with pytest.raises(RuntimeError, match=f"an editable install is for .*, not for {other}: unset BIOLORD_K"):
        hatch_build.install(other)


@pytest.mark.parametrize("arguments", [[], ["wheels"], ["build", "plan9_mips", "folder"], ["install", "x"]])
def test_the_command_line(arguments: list[str]) -> None:
    """What it doesn't know is answered with what it does."""
    with pytest.raises(SystemExit, match=r"usage: hatch_build.py install \| wheels FOLDER \| build {linux_x86_64,"):
        hatch_build.main(arguments)


@pytest.mark.real
def test_a_release_by_one_command(tmp_path: Path) -> None:
    """`hatch_build.py wheels`: the wheels of all platforms, made on this one, and the sources."""
    command = [sys.executable, "hatch_build.py", "wheels", str(tmp_path / "dist")]
    subprocess.run(command, cwd=hatch_build.ROOT, check=True, capture_output=True, timeout=SECONDS)
    made = sorted(path.name for path in (tmp_path / "dist").iterdir())
    wheels = [name for name in made if name.endswith(".whl")]
    assert len(wheels) == len(hatch_build.TARGETS)
    assert [name for name in made if name not in wheels] == [f"{wheels[0].partition('-py3')[0]}.tar.gz"]
    for name, target in hatch_build.TARGETS.items():
        (path,) = (tmp_path / "dist").glob(f"*-{target.wheel}.whl")
        check_wheel(zipfile.ZipFile(path), name)


@pytest.mark.real
def test_from_nothing(tmp_path: Path) -> None:
    """A clone elsewhere, with nothing compiled before, makes the same library, soon enough."""
    name = hatch_build.this_platform()
    if name is None:
        pytest.skip(f"there is no target for {hatch_build.here()}")
    tree = tmp_path / "a clone"
    tree.mkdir()
    shutil.copy(hatch_build.__file__, tree)
    shutil.copytree(hatch_build.SOURCES, tree / "kernels")
    (tmp_path / "out").mkdir()
    before = cpu_seconds()
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "no home"), hatch_build.SWITCH: "on"}
    command = [sys.executable, str(tree / "hatch_build.py"), "build", name, str(tmp_path / "out")]
    subprocess.run(command, check=True, capture_output=True, env=environment, timeout=SECONDS)
    seconds = (cpu_seconds() - before) / CORES
    (library,) = (tmp_path / "out").iterdir()
    assert library.read_bytes() == hatch_build.build(name).read_bytes()
    assert seconds <= SECONDS_FROM_NOTHING


def cpu_seconds() -> float:
    """Return the time that processes of this one took of the CPU: other tests may keep the cores busy."""
    times = os.times()
    return times.children_user + times.children_system
