"""Packs for machines without a network."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_onnx.errors import BiolordError, InputError, MissingDependencyError
from biolord_onnx.pack import offline
from biolord_onnx.pack.offline import Machines, fetch_wheels, write_install_script, write_sums, write_tar
from biolord_onnx.pack.platforms import PLATFORMS, PYTHONS, check_pythons, container_platform, find_platform
from biolord_onnx.pack.wheel import Member, WheelName, write_wheel

pytestmark = pytest.mark.slow

X86, ARM = PLATFORMS["linux-x86_64"], PLATFORMS["linux-aarch64"]
HERE = ".".join(platform.python_version_tuple()[:2])
MACHINES = Machines(PLATFORMS.get(f"linux-{platform.machine()}", X86), (HERE,))
NAME = WheelName("a-model", "1.0")


def simple_wheel(folder: Path, name: str, *requires: str, version: str = "1.0") -> Path:
    """Write a wheel of nothing."""
    wheel = WheelName(name, version)
    lines = [
        "Metadata-Version: 2.4",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {one}" for one in requires),
    ]
    write_wheel(folder / wheel.file, wheel, [Member(f"{wheel.info}/METADATA", "\n".join(lines).encode())])
    return folder / wheel.file


def test_pip_fetches_what_is_asked_for(index: Path, tmp_path: Path) -> None:
    """And what that asks for, wheels of the platform only."""
    arm = simple_wheel(index, "engine")
    arm.rename(index / "engine-1.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl")
    simple_wheel(index, "arrays")
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = simple_wheel(wheels, "a-model", "engine", "arrays")
    fetch_wheels(wheels, (str(wheel),), Machines(ARM, ("3.11",)))
    assert sorted(path.name.partition("-")[0] for path in wheels.iterdir()) == ["a_model", "arrays", "engine"]


def test_what_pip_does_not_find(index: Path, tmp_path: Path) -> None:
    """One line with pip's own reason."""
    simple_wheel(index, "engine").rename(index / "engine-1.0-cp311-cp311-win_amd64.whl")
    wheel = simple_wheel(tmp_path, "a-model", "engine")
    with pytest.raises(BiolordError, match=r"fetch the wheels for linux-x86_64, Python 3\.12: No matching .* engine"):
        fetch_wheels(tmp_path, (str(wheel),), Machines(X86, ("3.12",)))


def test_without_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Environments of uv have none."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match="needs pip in this Python to fetch wheels: python -m ensurepip"):
        fetch_wheels(tmp_path, (), Machines(X86, ("3.11",)))


@pytest.mark.parametrize(
    ("complaint", "reason"),
    [("", "no reason given"), ("a\nb\n", "b"), ("ERROR: first\nERROR: last\n[notice] new pip", "last")],
)
def test_reasons(complaint: str, reason: str) -> None:
    """Pip's last error."""
    assert offline._reason(complaint) == reason


def install(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    return subprocess.run(["sh", str(folder / "install.sh"), python], capture_output=True, text=True, check=False)


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Give a pack for this machine that installs nothing but a name."""
    folder = tmp_path / "a pack"
    (folder / "wheels").mkdir(parents=True)
    simple_wheel(folder / "wheels", "a-model")
    write_install_script(folder, NAME, MACHINES)
    write_sums(folder)
    return folder


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an empty environment's Python."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return folder / "bin" / "python"


def test_the_script_installs(pack: Path, environment: Path) -> None:
    """From the pack alone, wherever it lies, and says what can be typed now."""
    done = install(pack, str(environment))
    assert done.returncode == 0, done.stderr
    assert done.stdout == (f"installed; try: {environment.parent}/biolord embed a-model 'Cat scratch injury'\n")
    found = subprocess.run([str(environment), "-m", "pip", "list"], capture_output=True, text=True, check=True)
    assert "a-model" in found.stdout


def test_the_script_refuses_a_damaged_file(pack: Path, environment: Path) -> None:
    """A stick that was pulled out too early."""
    (wheel,) = (pack / "wheels").iterdir()
    wheel.write_bytes(wheel.read_bytes()[:-1])
    done = install(pack, str(environment))
    assert done.returncode == 2
    assert "install.sh: a file was damaged on its way: copy the pack again" in done.stderr


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("numpy-99.0-py3-none-any.whl", "file"),
        ("numpy-99.0-py3-none-any.whl", "link"),
        (".hidden.whl", "file"),
        ("..odd", "link"),
        ("a b.tar.gz", "folder"),
    ],
)
def test_the_script_refuses_a_file_that_is_not_of_the_pack(
    pack: Path, environment: Path, name: str, kind: str, tmp_path: Path
) -> None:
    """Pip would take it for what it was asked to install."""
    extra = pack / "wheels" / name
    if kind == "file":
        simple_wheel(tmp_path, "numpy", version="99.0").rename(extra)
    elif kind == "link":
        extra.symlink_to("/nowhere")
    else:
        extra.mkdir()
    done = install(pack, str(environment))
    assert done.returncode == 2
    assert done.stderr == (
        f"install.sh: wheels/{name} is not of this pack, SHA256SUMS doesn't list it: "
        "remove it, or copy the pack again\n"
    )


def test_a_line_break_hides_nothing(pack: Path, environment: Path) -> None:
    """The name of a listed wheel, and more behind it."""
    (wheel,) = (pack / "wheels").iterdir()
    (pack / "wheels" / f"{wheel.name}\nnumpy-99.0-py3-none-any.whl").touch()
    done = install(pack, str(environment))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "install.sh: wheels holds a file with a line break in its name: remove it\n"


def test_the_script_needs_its_list(pack: Path, environment: Path) -> None:
    """A list that lost a line, or all of them."""
    sums = (pack / "SHA256SUMS").read_text("utf-8").splitlines(keepends=True)
    (pack / "SHA256SUMS").write_text("".join(line for line in sums if "wheels/" not in line), "utf-8")
    assert "SHA256SUMS doesn't list it" in install(pack, str(environment)).stderr
    (pack / "SHA256SUMS").unlink()
    assert "install.sh is not in its pack: run it where SHA256SUMS and wheels are" in install(pack, "python3").stderr


def test_pip_is_offered_nothing_from_elsewhere(
    pack: Path, environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by variables, nor by settings, nor by modules where somebody stands."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    simple_wheel(elsewhere, "helper", version="99.0")
    (elsewhere / "pip.py").write_text("raise SystemExit('another pip')", "utf-8")
    (elsewhere / "pip.conf").write_text(f"[global]\nfind-links = {elsewhere}\n", "utf-8")
    simple_wheel(pack / "wheels", "needy", "helper")
    write_install_script(pack, WheelName("needy", "1.0"), MACHINES)
    write_sums(pack)
    monkeypatch.chdir(elsewhere)
    monkeypatch.setenv("PIP_FIND_LINKS", str(elsewhere))
    monkeypatch.setenv("PIP_CONFIG_FILE", str(elsewhere / "pip.conf"))
    done = install(pack, str(environment))
    assert done.returncode != 0
    assert "No matching distribution found for helper" in done.stderr


def test_the_script_works_wherever_it_lies(
    pack: Path, environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Named from its parent, from inside, or through a link; with variables set that change what cd prints."""
    place, folder = tmp_path / "place", "-n a'b\"c $(touch gone) *\tand line\nbreak é"
    place.mkdir()
    pack.rename(place / folder)
    (place / "link").symlink_to(place / folder / "install.sh")
    (place / "other").symlink_to(place / folder)
    monkeypatch.chdir(place)
    monkeypatch.setenv("CDPATH", f".:{place}:/")
    monkeypatch.setenv("IFS", "/a")
    for script in (f"./{folder}/install.sh", str(place / folder / "install.sh"), "link", "other/install.sh"):
        done = subprocess.run(["sh", script, environment], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), script
        assert done.stdout.startswith("installed; try: ")
    assert not (place / "gone").exists()


@pytest.mark.parametrize("python", ["-c", "--version", "-", "no such python", "$(touch gone)"])
def test_what_is_no_python(pack: Path, python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named."""
    monkeypatch.chdir(tmp_path)
    done = install(pack, python)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"install.sh: {python} does not run"
    assert not (tmp_path / "gone").exists()


def test_one_python_at_a_time(pack: Path) -> None:
    """A second one would be left out in silence."""
    done = subprocess.run(["sh", pack / "install.sh", "a", "b"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (
        2,
        "install.sh: one Python, or none, is expected: sh install.sh [PYTHON]\n",
    )


def test_the_script_refuses_other_machines(pack: Path) -> None:
    """By name, before anything is installed."""
    other = ARM if platform.machine() == "x86_64" else X86
    write_install_script(pack, NAME, replace(MACHINES, platform=other))
    done = install(pack, sys.executable)
    assert done.returncode == 2
    expected = (
        f"install.sh: this pack is for {other.machine}, this machine is {platform.machine()}: make one for that\n"
    )
    assert done.stderr == expected


def test_the_script_refuses_other_pythons(pack: Path) -> None:
    """Both versions are named; and an interpreter that isn't one."""
    write_install_script(pack, NAME, replace(MACHINES, pythons=("3.9", "3.10")))
    done = install(pack, sys.executable)
    assert done.returncode == 2
    assert done.stderr == (
        f"install.sh: this pack is for Python 3.9 or 3.10, {sys.executable} is {HERE}: name another one\n"
    )
    assert "/no/python does not run" in install(pack, "/no/python").stderr


def test_the_script_refuses_wheels_of_other_machines(pack: Path, environment: Path) -> None:
    """Put together by hand, with sums that are right: pip would only say that it finds nothing."""
    (wheel,) = (pack / "wheels").iterdir()
    for tag in (
        "py3-none-manylinux_2_17_riscv64",
        "cp311-cp311-win_amd64",
        f"py3-none-macosx_11_0_{platform.machine()}",
    ):
        wheel = wheel.rename(wheel.with_name(f"a_model-1.0-{tag}.whl"))
        write_sums(pack)
        done = install(pack, str(environment))
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == (
            f"install.sh: wheels/{wheel.name} is for another machine than {platform.machine()}: make the pack again\n"
        )


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("sys.maxsize = 2**31 - 1", "32 bits and glibc"),
        ("platform.libc_ver = lambda: ('', '')", "64 bits and another libc"),
    ],
)
def test_the_script_refuses_other_systems(pack: Path, environment: Path, tmp_path: Path, code: str, kind: str) -> None:
    """A 32-bit system on a 64-bit kernel, whose machine has the right name, and Alpine: as Pythons there answer."""
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(f"import platform, sys\n{code}\n", "utf-8")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH={tmp_path / "site"} exec {environment} "$@"\n', "utf-8")
    python.chmod(0o755)
    done = install(pack, str(python))
    assert done.returncode == 2
    assert done.stderr == (
        f"install.sh: this pack is for a Python with 64 bits and glibc, {python} has {kind}: name another one\n"
    )


def test_the_script_refuses_a_python_without_pip(pack: Path, tmp_path: Path) -> None:
    """Debian's own, say."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    done = install(pack, str(tmp_path / "bare" / "bin" / "python"))
    assert done.returncode == 2
    assert "has no pip: name the Python of a virtual environment" in done.stderr


def test_sums_are_of_every_file(tmp_path: Path) -> None:
    """In the form that sha256sum reads, itself left out."""
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "a b").write_bytes(b"x")
    (tmp_path / "z").write_bytes(b"")
    write_sums(tmp_path)
    write_sums(tmp_path)
    sums = [hashlib.sha256(content).hexdigest() for content in (b"x", b"")]
    assert (tmp_path / "SHA256SUMS").read_text("utf-8") == f"{sums[0]}  wheels/a b\n{sums[1]}  z\n"


def test_a_tar_tells_nothing_of_its_maker(pack: Path, tmp_path: Path) -> None:
    """No user, no time: the same content gives the same bytes."""
    write_tar(pack, tmp_path / "one.tar")
    os.utime(pack / "install.sh", (1, 1))
    write_tar(pack, tmp_path / "two.tar")
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        assert archive.getnames()[0] == "a pack"
        assert archive.getmember("a pack/install.sh").mode & 0o111


def test_platforms_and_versions() -> None:
    """Unknown ones are refused with the known ones."""
    assert X86.tags[0] == "manylinux_2_28_x86_64"
    assert ARM.tags[-1] == "manylinux2014_aarch64"
    assert ARM.runs("py3-none-manylinux_2_17_aarch64")
    assert not X86.runs("py3-none-manylinux_2_17_aarch64")
    assert not X86.runs("py3-none-any")
    check_pythons(PYTHONS)
    with pytest.raises(InputError, match="--offline-for is 'win', expected one of linux-x86_64, linux-aarch64"):
        find_platform("win")
    with pytest.raises(InputError, match=r"--python has '3\.9', expected some of 3\.11, 3\.12, 3\.13"):
        check_pythons(("3.11", "3.9"))


@pytest.mark.parametrize(
    ("machine", "name"), [("AMD64", "linux-x86_64"), ("arm64", "linux-aarch64"), ("aarch64", "linux-aarch64")]
)
def test_containers_run_linux(monkeypatch: pytest.MonkeyPatch, machine: str, name: str) -> None:
    """On Windows and macOS, too."""
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert container_platform() == PLATFORMS[name]


def test_a_machine_that_packs_are_not_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image may be for another."""
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(
        InputError, match="this machine is riscv64: name the image's with --offline-for linux-x86_64 or"
    ):
        container_platform()
