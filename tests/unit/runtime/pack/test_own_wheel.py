"""This project's own wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from biolord_onnx import __version__
from biolord_onnx.errors import BiolordError, ProviderError
from biolord_onnx.pack import own_wheel
from biolord_onnx.pack.own_wheel import installed_tag, write_own_wheel
from biolord_onnx.pack.wheel import ANY
from biolord_onnx.session import kernels


def test_every_package_is_in_it(tmp_path: Path) -> None:
    """With their metadata and notices; what Python left behind is not, nor what was compiled for one machine."""
    path = write_own_wheel(tmp_path, ANY)
    assert path.name == f"biolord_onnx-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        metadata = archive.read(f"biolord_onnx-{__version__}.dist-info/METADATA").decode()
    assert {name.partition("/")[0] for name in names} == {
        "biolord_onnx",
        "biolord_export",
        "biolord_bench",
        f"biolord_onnx-{__version__}.dist-info",
    }
    assert not [name for name in names if "__pycache__" in name or "_native" in name]
    assert f"\nVersion: {__version__}\n" in metadata


@pytest.mark.usefixtures("operators")
def test_the_operators_are_in_it(tmp_path: Path) -> None:
    """With the tag of the machines that they are for, and no half of a file that a build left."""
    library = kernels.library_path()
    half = library.with_name(f".{library.name}.1")
    half.touch()
    try:
        path = write_own_wheel(tmp_path, installed_tag())
    finally:
        half.unlink()
    assert path.name == f"biolord_onnx-{__version__}-{installed_tag()}.whl"
    with zipfile.ZipFile(path) as archive:
        native = {name for name in archive.namelist() if name.startswith("biolord_onnx/_native/")}
        assert native == {f"biolord_onnx/_native/{name}" for name in ("TAG", library.name)}
        assert archive.read(f"biolord_onnx/_native/{library.name}") == library.read_bytes()
        assert f"\nTag: {installed_tag()}\n" in archive.read(f"biolord_onnx-{__version__}.dist-info/WHEEL").decode()


def test_an_install_without_operators(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes wheels for every machine."""

    def missing() -> Path:
        raise ProviderError("missing")

    monkeypatch.setattr(own_wheel, "library_path", missing)
    assert installed_tag() == ANY


@pytest.mark.parametrize("tag", [None, "", "py3-none-any-", "py3-none-../../x", "py3-none-a\nTag: py3-none-any"])
def test_operators_that_somebody_put_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tag: str | None) -> None:
    """Which machines they run on isn't known."""
    if tag is not None:
        (tmp_path / "TAG").write_text(tag, "utf-8")
    monkeypatch.setattr(own_wheel, "library_path", lambda: tmp_path / "library.so")
    with pytest.raises(BiolordError, match="expected a tag such as py3-none-win_amd64: install biolord-onnx again, or"):
        installed_tag()


def test_the_runtime_may_stand_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever repackages it leaves the exporter out."""
    monkeypatch.setattr(own_wheel, "PACKAGES", ("biolord_onnx", "biolord_no_such_package"))
    with zipfile.ZipFile(write_own_wheel(tmp_path, ANY)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("biolord_export")]


def test_metadata_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources that were updated without being installed again would make a wheel that lies."""
    monkeypatch.setattr(own_wheel, "__version__", "9.9.9")
    with pytest.raises(BiolordError, match=f"biolord-onnx 9.9.9 runs, and the metadata of {__version__} is installed"):
        write_own_wheel(tmp_path, ANY)
