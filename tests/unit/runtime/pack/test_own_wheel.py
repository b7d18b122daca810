"""This project's own wheel."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from biolord_onnx import __version__
from biolord_onnx.errors import BiolordError
from biolord_onnx.pack import own_wheel
from biolord_onnx.pack.own_wheel import write_own_wheel


def test_every_package_is_in_it(tmp_path: Path) -> None:
    """With their metadata; what Python left behind, and what was compiled for this machine, is not."""
    path = write_own_wheel(tmp_path)
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


def test_the_runtime_may_stand_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever repackages it leaves the exporter out."""
    monkeypatch.setattr(own_wheel, "PACKAGES", ("biolord_onnx", "biolord_no_such_package"))
    with zipfile.ZipFile(write_own_wheel(tmp_path)) as archive:
        assert not [name for name in archive.namelist() if name.startswith("biolord_export")]


def test_metadata_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sources that were updated without being installed again would make a wheel that lies."""
    monkeypatch.setattr(own_wheel, "__version__", "9.9.9")
    with pytest.raises(BiolordError, match=f"biolord-onnx 9.9.9 runs, and the metadata of {__version__} is installed"):
        write_own_wheel(tmp_path)
