"""Opening an artifact. What attackers might try stands in tests/hostile."""

from __future__ import annotations

from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import Artifact, check_hashes, open_artifact, read_manifest
from biolord_onnx.errors import ArtifactError
from unit.runtime.tiny_artifact import edit_manifest, flip, tiny_manifest, write_manifest


def test_a_whole_artifact_opens(tiny: Path) -> None:
    """An artifact opens by path or string and knows its files."""
    artifact = open_artifact(str(tiny))
    assert artifact == open_artifact(tiny)
    assert isinstance(artifact, Artifact)
    assert artifact.manifest.name == "tiny-cpu-fp32"
    assert artifact.model_path == tiny / "model.onnx"
    assert artifact.tokenizer_path == tiny / "tokenizer.json"


def test_a_link_to_the_folder_is_fine(tiny: Path, tmp_path: Path) -> None:
    """The folder itself may be reached through a link."""
    link = tmp_path / "link"
    link.symlink_to(tiny, target_is_directory=True)
    assert open_artifact(link).manifest == open_artifact(tiny).manifest


def test_a_link_inside_the_folder_is_fine(tiny_copy: Path) -> None:
    """A file may be a link to another file of the folder."""
    (tiny_copy / "NOTICE").rename(tiny_copy / "NOTICE.txt")
    (tiny_copy / "NOTICE").symlink_to("NOTICE.txt")
    assert open_artifact(tiny_copy).path == tiny_copy


def test_no_folder_is_refused(tmp_path: Path) -> None:
    """A path that leads nowhere is named."""
    with pytest.raises(ArtifactError, match=r"nowhere does not exist, expected the artifact folder"):
        open_artifact(tmp_path / "nowhere")


def test_a_file_is_refused(tiny: Path) -> None:
    """Whoever gives model.onnx itself is told to give the folder."""
    with pytest.raises(ArtifactError, match=r"model\.onnx is a file, expected the artifact folder"):
        open_artifact(tiny / "model.onnx")


def test_a_foreign_folder_is_refused(tmp_path: Path) -> None:
    """A folder without a manifest is not an artifact."""
    with pytest.raises(ArtifactError, match=r"has no manifest\.json: it is not an artifact"):
        open_artifact(tmp_path)


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json", "NOTICE"])
def test_a_missing_file_is_named(tiny_copy: Path, name: str) -> None:
    """Every file of the manifest must be there."""
    (tiny_copy / name).unlink()
    with pytest.raises(ArtifactError, match=rf"{name} is missing: the artifact is incomplete"):
        open_artifact(tiny_copy)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
def test_the_model_and_the_tokenizer_must_be_listed(tiny_copy: Path, name: str) -> None:
    """A manifest that lists no model or no tokenizer leaves them unchecked, so it is refused."""
    (tiny_copy / name).unlink()
    write_manifest(tiny_copy, tiny_manifest())
    with pytest.raises(ArtifactError, match=rf"files does not list {name}"):
        open_artifact(tiny_copy)


def test_a_file_of_another_size_is_refused(tiny_copy: Path) -> None:
    """A file cut short is found by its size, even without hashing."""
    path = tiny_copy / "model.onnx.data"
    size = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ArtifactError, match=rf"data has {size - 1} bytes, the manifest says {size}"):
        open_artifact(tiny_copy, verify_hashes=False)


def test_a_changed_file_is_refused(tiny_copy: Path) -> None:
    """One flipped bit is found by the hash."""
    path = tiny_copy / "model.onnx.data"
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(ArtifactError, match=r"was changed after the export: SHA-256 \w{12}\.\.\., the manifest says"):
        open_artifact(tiny_copy)


def test_one_file_can_be_looked_at_alone(tiny_copy: Path) -> None:
    """What is altered elsewhere is not seen then."""
    flip(tiny_copy / "model.onnx.data", 0)
    artifact = open_artifact(tiny_copy, verify_hashes=False)
    check_hashes(artifact, only="model.onnx")
    with pytest.raises(ArtifactError, match=r"model.onnx.data was changed after the export"):
        check_hashes(artifact, only="model.onnx.data")


def test_large_files_are_hashed_to_their_end(tiny_copy: Path) -> None:
    """They are read in pieces of 4 MiB, the last one shorter; its last byte counts."""
    (tiny_copy / "NOTICE").write_bytes(bytes(range(251)) * 40_000)
    write_manifest(tiny_copy, tiny_manifest())
    artifact = open_artifact(tiny_copy)
    flip(tiny_copy / "NOTICE", -1)
    with pytest.raises(ArtifactError, match=r"NOTICE was changed after the export"):
        check_hashes(artifact)


def test_hashing_can_be_left_out(tiny_copy: Path) -> None:
    """With verify_hashes=False a wrong hash goes unnoticed: the caller vouches for the files."""
    edit_manifest(tiny_copy, "files", 0, "sha256", value="0" * 64)
    assert open_artifact(tiny_copy, verify_hashes=False).path == tiny_copy
    with pytest.raises(ArtifactError, match="changed after the export"):
        open_artifact(tiny_copy)


def test_the_manifest_is_read_alone(tiny_copy: Path) -> None:
    """`read_manifest` doesn't need the weights."""
    (tiny_copy / "model.onnx.data").unlink()
    assert read_manifest(tiny_copy).dim == 8


def test_a_manifest_that_is_not_utf8_is_refused(tiny_copy: Path) -> None:
    """The message names the byte."""
    (tiny_copy / "manifest.json").write_bytes(b'{"a": "\xff"}')
    with pytest.raises(ArtifactError, match=r"manifest\.json is not UTF-8 \(invalid start byte at byte 7\)"):
        open_artifact(tiny_copy)
