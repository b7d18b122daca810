"""This project's wheel for other platforms."""

from __future__ import annotations

import hashlib
import platform
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from biolord_onnx import __version__
from biolord_onnx.artifact.folder import Artifact, open_artifact
from biolord_onnx.errors import BiolordError
from biolord_onnx.pack import platform_wheel
from biolord_onnx.pack.offline import Machines
from biolord_onnx.pack.own_wheel import installed_tag, write_own_wheel
from biolord_onnx.pack.platform_wheel import bring_own_wheel
from biolord_onnx.pack.platforms import PLATFORMS
from biolord_onnx.pack.wheel import ANY

HERE = PLATFORMS[f"linux-{platform.machine()}"]
ELSEWHERE = next(one for one in PLATFORMS.values() if one != HERE)
TAG = f"py3-none-manylinux_2_17_{ELSEWHERE.machine}"
NAME = f"biolord_onnx-{__version__}-{TAG}.whl"
PYTHONS = ("3.12",)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("operators", "index")]


@pytest.fixture
def needy(compiled: Path) -> Artifact:
    """Give an artifact that needs compiled operators."""
    return open_artifact(compiled)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder that a pack's wheels go into."""
    (tmp_path / "wheels").mkdir()
    return tmp_path / "wheels"


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Give a folder with the other platform's wheel; its operators are this one's."""
    (tmp_path / "dist").mkdir()
    return write_own_wheel(tmp_path / "dist", TAG)


def edit(wheel: Path, member: str, content: bytes | None) -> None:
    """Change a file in a wheel, or remove it."""
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if name != member}
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, old in {**files, **({} if content is None else {member: content})}.items():
            archive.writestr(name, old)


def digest(wheel: Path) -> str:
    """Return the hash of a file."""
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_this_platforms_is_made_from_what_is_installed(folder: Path, needy: Artifact) -> None:
    """No index is asked: there is none."""
    wheel = bring_own_wheel(folder, needy, Machines(HERE, PYTHONS))
    assert wheel.name == f"biolord_onnx-{__version__}-{installed_tag()}.whl"
    assert [path.name for path in folder.iterdir()] == [wheel.name]


def test_an_artifact_without_needs_takes_the_pure_one(folder: Path, tiny: Path) -> None:
    """It runs everywhere, so nothing is fetched."""
    wheel = bring_own_wheel(folder, open_artifact(tiny), Machines(ELSEWHERE, PYTHONS))
    assert wheel.name == f"biolord_onnx-{__version__}-{ANY}.whl"


def test_a_folder_of_wheels(folder: Path, needy: Artifact, released: Path) -> None:
    """What `hatch_build.py wheels` wrote is carried as it is."""
    wheel = bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS, released.parent))
    assert (wheel.name, digest(wheel)) == (NAME, digest(released))


def test_the_index(folder: Path, needy: Artifact, released: Path, index: Path) -> None:
    """As for whoever installed a release."""
    shutil.move(released, index)
    wheel = bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS))
    assert wheel.name == NAME


def test_no_wheel(folder: Path, needy: Artifact, released: Path) -> None:
    """Neither in the index, nor in the folder, which has this platform's alone: a line with the way out."""
    expected = (
        rf"the index has no biolord-onnx {__version__} for {ELSEWHERE.name} \(No matching .*: make it with python "
    )
    with pytest.raises(BiolordError, match=expected):
        bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS))
    released.unlink()
    write_own_wheel(released.parent, installed_tag())
    with pytest.raises(BiolordError, match=rf"dist has no biolord-onnx {__version__} for {ELSEWHERE.name} \(No match"):
        bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS, released.parent))


def test_a_pure_wheel_is_no_wheel_of_a_platform(folder: Path, needy: Artifact, released: Path) -> None:
    """Though pip would take it."""
    released.unlink()
    write_own_wheel(released.parent, ANY)
    with pytest.raises(BiolordError, match="only one without operators is there"):
        bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS, released.parent))


@pytest.mark.parametrize("content", [b"VERSION = 'another'\n", None])
def test_a_wheel_of_another_biolord(folder: Path, needy: Artifact, released: Path, content: bytes | None) -> None:
    """Of the same number, but not what runs here: a file differs, or is missing."""
    edit(released, "biolord_onnx/embedder.py", content)
    expected = (
        rf"{NAME} isn't the biolord-onnx {__version__} that runs here \(1 of its files differ, such as biolord_onn"
    )
    with pytest.raises(BiolordError, match=expected):
        bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS, released.parent))


def test_a_wheel_with_more_in_it(folder: Path, needy: Artifact, released: Path) -> None:
    """A file that isn't here."""
    edit(released, "biolord_export/more.py", b"")
    with pytest.raises(BiolordError, match=r"1 of its files differ, such as biolord_export/more\.py"):
        bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS, released.parent))


def test_a_wheel_that_lost_its_operators(folder: Path, needy: Artifact, released: Path) -> None:
    """Its name says that they are there."""
    with zipfile.ZipFile(released) as archive:
        names = [name for name in archive.namelist() if "/_native/" in name]
    for name in names:
        edit(released, name, None)
    with pytest.raises(
        BiolordError, match="that runs here \\(it has no operators\\): install the same, or make it with"
    ):
        bring_own_wheel(folder, needy, Machines(ELSEWHERE, PYTHONS, released.parent))


def test_a_pure_install_fetches_its_own_platforms(
    folder: Path, needy: Artifact, released: Path, index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has no operators to give."""
    write_own_wheel(index, installed_tag())
    shutil.move(released, index)
    monkeypatch.setattr(platform_wheel, "installed_tag", lambda: ANY)
    machines = Machines(HERE, PYTHONS)
    assert bring_own_wheel(folder, needy, machines).name == f"biolord_onnx-{__version__}-{installed_tag()}.whl"
    assert bring_own_wheel(folder, needy, replace(machines, platform=ELSEWHERE)).name == NAME
