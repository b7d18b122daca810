"""``biolord pack``."""

from __future__ import annotations

import platform
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from dockerfile_parse import DockerfileParser

from biolord_onnx import __version__
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.pack.own_wheel import installed_tag, write_own_wheel
from biolord_onnx.pack.platforms import container_platform
from unit.runtime.command import Biolord
from unit.runtime.pack.test_offline import simple_wheel

pytestmark = pytest.mark.slow

HERE = ".".join(platform.python_version_tuple()[:2])
PLATFORM = "linux-x86_64"


@pytest.fixture
def full_index(index: Path) -> Path:
    """Give an index with all that this project asks for, as far as pip looks."""
    lean = ("numpy", "tokenizers", "onnxruntime", "tqdm")
    for name in (*lean, "fastapi", "h11", "uvicorn", "orjson", "prometheus-client", "swagger-ui-bundle"):
        simple_wheel(index, name, version="99.0")
    return index


def test_a_wheel(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Its place, its size, what to type then, and the license's notice."""
    outcome = biolord("pack", tiny, "--wheel", tmp_path / "new" / "folder", "--name", "Mini", "--version", "1.0")
    wheel = tmp_path / "new" / "folder" / "mini-1.0-py3-none-any.whl"
    assert outcome.code == 0
    assert outcome.out == (
        f'{wheel}: 0.0 MB\ninstall: pip install {wheel}\nthen: biolord embed mini "Cat scratch injury"\n'
    )
    assert outcome.err == f"{open_artifact(tiny).manifest.license}\n"
    assert zipfile.is_zipfile(wheel)


def test_what_is_there_is_kept(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Unless --force says otherwise."""
    (tmp_path / "mini-1.0-py3-none-any.whl").write_bytes(b"old")
    command = ["pack", tiny, "--wheel", tmp_path, "--name", "mini", "--version", "1.0"]
    biolord(*command).assert_error("mini-1.0-py3-none-any.whl exists: choose another name, or replace it with --force")
    assert biolord(*command, "--force").code == 0
    assert zipfile.is_zipfile(tmp_path / "mini-1.0-py3-none-any.whl")


@pytest.mark.usefixtures("full_index")
def test_a_folder_for_a_machine_without_a_network(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Every size is printed, and the whole."""
    pack = tmp_path / "pack"
    outcome = biolord("pack", tiny, "--wheel", pack, "--offline-for", PLATFORM, "--python", "3.12", "--name", "mini")
    assert outcome.code == 0, outcome.err
    lines = outcome.out.splitlines()
    assert [line.split(" MB  ")[1] for line in lines[:3]] == ["NOTICE", "SHA256SUMS", "install.sh"]
    assert f" MB  {pack}" in lines[-3]
    assert lines[-2:] == [
        "install there: sh pack/install.sh PYTHON",
        'then: biolord embed mini "Cat scratch injury"',
    ]
    names = {path.name.partition("-")[0] for path in (pack / "wheels").iterdir()}
    assert names == {"mini", "biolord_onnx", "numpy", "tokenizers", "onnxruntime", "tqdm"}
    assert "for Python 3.12," in (pack / "install.sh").read_text("utf-8")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "pack"]


@pytest.mark.usefixtures("full_index")
def test_a_tar_for_a_machine_without_a_network(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """One file to copy; it holds a folder of its name."""
    made = tmp_path / "pack.tar"
    made.write_bytes(b"old")
    command = ["pack", tiny, "--wheel", made, "--offline-for", "linux-aarch64"]
    biolord(*command).assert_error("pack.tar exists")
    outcome = biolord(*command, "--force")
    assert "install there: tar xf pack.tar && sh pack/install.sh PYTHON\n" in outcome.out
    with tarfile.open(made) as archive:
        assert "pack/install.sh" in archive.getnames()


@pytest.mark.usefixtures("operators", "full_index")
def test_a_pack_of_an_artifact_that_needs_operators(biolord: Biolord, compiled: Path, tmp_path: Path) -> None:
    """For this platform from what is installed, for another one from a folder of wheels."""
    here = platform.machine()
    there = "x86_64" if here == "aarch64" else "aarch64"
    (tmp_path / "dist").mkdir()
    write_own_wheel(tmp_path / "dist", f"py3-none-manylinux_2_17_{there}")
    for machine, options in ((here, []), (there, ["--find-links", tmp_path / "dist"])):
        pack = tmp_path / machine
        outcome = biolord("pack", compiled, "--wheel", pack, "--offline-for", f"linux-{machine}", *options)
        assert outcome.code == 0, outcome.err
        own = f"biolord_onnx-{__version__}-py3-none-manylinux_2_17_{machine}.whl"
        assert sum(path.name.startswith("biolord_onnx") for path in (pack / "wheels").iterdir()) == 1
        assert (pack / "wheels" / own).is_file()
    missing = biolord("pack", compiled, "--wheel", tmp_path / "pack", "--offline-for", f"linux-{there}")
    missing.assert_error(f"the index has no biolord-onnx {__version__} for linux-{there}")
    assert not [path for path in tmp_path.iterdir() if "pack" in path.name]


@pytest.mark.usefixtures("index")
def test_nothing_is_left_of_a_pack_that_fails(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """No index, no pack, no half of one, and the old one stays."""
    (tmp_path / "pack" / "wheels").mkdir(parents=True)
    for name in ("install.sh", "SHA256SUMS"):
        (tmp_path / "pack" / name).touch()
    outcome = biolord("pack", tiny, "--wheel", tmp_path / "pack", "--offline-for", PLATFORM, "--force")
    outcome.assert_error("pip could not fetch the wheels for linux-x86_64")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["index", "pack"]
    assert sorted(path.name for path in (tmp_path / "pack").iterdir()) == ["SHA256SUMS", "install.sh", "wheels"]


def test_force_removes_no_folder_but_a_packs(
    biolord: Biolord, tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The artifact itself, the folder that one stands in, anything else of the user's: refused, and left whole."""
    before = sorted(path.name for path in tiny_copy.iterdir())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.tar").mkdir()
    for output in (tiny_copy, Path(), Path("folder.tar")):
        outcome = biolord("pack", tiny_copy, "--docker", output, "--force")
        outcome.assert_error("is a folder that biolord pack didn't make: name another, or remove it yourself")
    assert sorted(path.name for path in tiny_copy.iterdir()) == before
    (tmp_path / "context").mkdir()
    for _ in range(2):  # an empty folder, then what the first time left
        assert biolord("pack", tiny_copy, "--docker", "context", "--force").code == 0


@pytest.fixture
def context(biolord: Biolord, tiny: Path, tmp_path: Path) -> Path:
    """Give a build context."""
    outcome = biolord("pack", tiny, "--docker", tmp_path / "context")
    assert outcome.code == 0, outcome.err
    assert f"build: docker build --tag {open_artifact(tiny).manifest.name} {tmp_path / 'context'}\n" in outcome.out
    return tmp_path / "context"


def test_a_build_context_is_complete(context: Path) -> None:
    """All that the Dockerfile copies is there, the artifact whole."""
    parser = DockerfileParser(str(context))
    copies = [step["value"].split() for step in parser.structure if step["instruction"] == "COPY"]
    assert [parts for parts in copies if not parts[0].startswith("--from") and not (context / parts[0]).exists()] == []
    open_artifact(context / "artifact")
    (wheel,) = (context / "wheels").iterdir()
    assert f"/wheels/{wheel.name}[cpu,serve]" in parser.content
    assert f"FROM python:{HERE}-slim-bookworm AS build" in parser.content
    assert "--no-index" not in parser.content
    users = [step["value"] for step in parser.structure if step["instruction"] == "USER"]
    assert users == ["10001:10001"]


def test_hadolint_has_nothing_to_say(context: Path) -> None:
    """The linter of Dockerfiles, all its rules."""
    hadolint = Path(sys.executable).with_name("hadolint")
    found = subprocess.run([hadolint, context / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (found.returncode, found.stdout) == (0, "")


@pytest.mark.usefixtures("full_index")
def test_a_build_context_that_needs_no_index(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """With --offline-for it brings the server's wheels along."""
    options = ["--offline-for", PLATFORM, "--python", "3.13"]
    outcome = biolord("pack", tiny, "--docker", tmp_path / "context", *options)
    assert outcome.code == 0, outcome.err
    dockerfile = (tmp_path / "context" / "Dockerfile").read_text("utf-8")
    assert "--no-index --find-links /wheels" in dockerfile
    assert "FROM python:3.13-slim-bookworm" in dockerfile
    names = {path.name.partition("-")[0] for path in (tmp_path / "context" / "wheels").iterdir()}
    assert {"fastapi", "uvicorn", "orjson"} <= names


@pytest.mark.usefixtures("operators", "index")
def test_a_build_context_with_operators(biolord: Biolord, compiled: Path, tmp_path: Path) -> None:
    """Is for this machine's kind of containers, and says so where it is built."""
    outcome = biolord("pack", compiled, "--docker", tmp_path / "context")
    assert outcome.code == 0, outcome.err
    build = f"docker build --platform {container_platform().container} --tag {open_artifact(compiled).manifest.name} "
    assert f"build: {build}{tmp_path / 'context'}\n" in outcome.out
    own = f"biolord_onnx-{__version__}-{installed_tag()}.whl"
    dockerfile = (tmp_path / "context" / "Dockerfile").read_text("utf-8")
    assert f"#   {build}.\n" in dockerfile
    assert f'"/wheels/{own}[cpu,serve]"' in dockerfile
    assert "--no-index" not in dockerfile
    assert [path.name for path in (tmp_path / "context" / "wheels").iterdir()] == [own]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "give one of --wheel OUT and --docker OUT"),
        (["--wheel", "a", "--docker", "b"], "give one of --wheel OUT and --docker OUT"),
        (["--wheel", "a", "--python", "3.12"], "--python is given without --offline-for"),
        (["--wheel", "a", "--find-links", "."], "--find-links is given without --offline-for"),
        (["--docker", "a", "--find-links", "no/folder"], "--find-links is no/folder, expected a folder of wheels"),
        (["--wheel", "a.tar"], "--wheel is a.tar, and a single wheel needs a folder"),
        (["--docker", "a", "--name", "x"], "--name is for --wheel"),
        (["--docker", "a", "--version", "1"], "--version is for --wheel"),
        (["--docker", "a", "--python", "3.12,3.13"], "--python is 3.12,3.13, and an image has one Python"),
        (["--docker", "a", "--python", "2.7"], "--python has '2.7', expected some of"),
        (["--wheel", "a", "--offline-for", "amiga"], "--offline-for is 'amiga', expected one of"),
        (["--docker", "no/folder"], "the folder no of folder does not exist: make it first"),
    ],
)
def test_options_that_do_not_fit(
    biolord: Biolord, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    """Each is one line, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    biolord("pack", tiny, *options).assert_error(message)
    assert list(tmp_path.iterdir()) == []


def test_a_single_wheel_is_for_any_python(
    biolord: Biolord, tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This Python needn't be one that packs are made for."""
    monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "14", "0"))
    assert biolord("pack", tiny, "--wheel", tmp_path).code == 0
    biolord("pack", tiny, "--docker", tmp_path / "c").assert_error("--python has '3.14'")


def test_a_damaged_artifact_is_not_packed(biolord: Biolord, tiny_copy: Path, tmp_path: Path) -> None:
    """It would be carried far."""
    (tiny_copy / "tokenizer.json").write_text("{}" + " " * ((tiny_copy / "tokenizer.json").stat().st_size - 2), "utf-8")
    biolord("pack", tiny_copy, "--wheel", tmp_path / "w").assert_error("was changed after the export")
