"""Writing an artifact folder: all of it, or nothing."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from biolord_export.artifact.writer import (
    ARTIFACT_FILES,
    check_destination,
    publish,
    write_draft,
    write_manifest,
)
from biolord_export.errors import ExportError
from biolord_export.graph.builder import GraphBuilder
from biolord_export.scratch import beside
from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.manifest import PIECES_NAME
from biolord_onnx.artifact.ranges import RANGES_NAME
from unit.runtime.tiny_artifact import tiny_manifest, tiny_tokenizer, write_tiny_artifact

UNWRITABLE = Path("/proc/self")
"""Where not even root can make a folder."""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Give a destination whose parent is there and empty."""
    (tmp_path / "parent").mkdir()
    return tmp_path / "parent" / "artifact"


def small_graph() -> GraphBuilder:
    """Build a graph with a constant big enough to stand in the data file."""
    builder = GraphBuilder("small")
    ids = builder.input("input_ids", TensorProto.INT64, ["batch", "sequence"])
    table = builder.constant(np.ones((64, 64), dtype=np.float32), "table")
    builder.output("sentence_embedding", builder.op("Gather", table, ids), TensorProto.FLOAT, ["batch", 64])
    return builder


def replaced(draft: Path, marker: str = "new") -> Path:
    """Write an artifact into a draft folder, told from others by its notice."""
    (draft / "NOTICE").write_text(marker, encoding="utf-8")
    return draft


def test_an_absent_destination_is_fine(out: Path) -> None:
    """Checking leaves nothing behind."""
    check_destination(out, force=False)
    check_destination(out, force=True)
    assert list(out.parent.iterdir()) == []


def test_a_relative_destination_is_fine(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parent is the working directory."""
    monkeypatch.chdir(out.parent)
    check_destination(Path("artifact"), force=False)


def test_a_missing_parent_is_refused(out: Path) -> None:
    """A typo in the path isn't made into folders."""
    with pytest.raises(ExportError, match=r"nowhere is not a folder: make it first"):
        check_destination(out.parent / "nowhere" / "artifact", force=True)


def test_a_parent_that_is_a_file_is_refused(out: Path) -> None:
    """So is a file where a folder should be."""
    out.write_text("")
    with pytest.raises(ExportError, match=r"artifact is not a folder"):
        check_destination(out / "inner", force=False)


def test_a_parent_that_can_not_be_written_to_is_noticed_before_any_work() -> None:
    """The export of a real model takes minutes."""
    with pytest.raises(OSError, match=str(UNWRITABLE)):
        check_destination(UNWRITABLE / "artifact", force=False)


@pytest.mark.parametrize("kind", ["file", "folder", "artifact", "link", "dangling link"])
def test_without_force_nothing_is_replaced(out: Path, kind: str) -> None:
    """Whatever lies there stays."""
    make(out, kind)
    with pytest.raises(ExportError, match=r"artifact exists already: give another name, or --force to replace it"):
        check_destination(out, force=False)
    assert os.path.lexists(out)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("file", "is not a folder"),
        ("link", "is not a folder"),
        ("dangling link", "is not a folder"),
        ("folder", r"is not an artifact \(it holds thesis.tex\)"),
        ("web application", r"is not an artifact \(it holds index.html\)"),
        ("half an artifact", r"is not an artifact \(no manifest.json\)"),
    ],
)
def test_force_replaces_artifacts_only(out: Path, kind: str, complaint: str) -> None:
    """A slip of the hand must not cost anybody their work."""
    make(out, kind)
    with pytest.raises(ExportError, match=f"{complaint}: --force replaces artifacts only"):
        check_destination(out, force=True)
    assert os.path.lexists(out)


@pytest.mark.parametrize("kind", ["artifact", "damaged artifact", "empty folder"])
def test_force_replaces_artifacts_whole_or_damaged_and_empty_folders(out: Path, kind: str) -> None:
    """A damaged one is what one most wants to replace."""
    make(out, kind)
    check_destination(out, force=True)


def make(out: Path, kind: str) -> None:
    """Put something at a destination."""
    contents = {
        "empty folder": (),
        "folder": ("thesis.tex",),
        "web application": ("manifest.json", "index.html"),
        "half an artifact": ("model.onnx",),
    }
    if kind in contents:
        out.mkdir()
        for name in contents[kind]:
            (out / name).write_text("{}", encoding="utf-8")
    elif kind == "file":
        out.write_text("words", encoding="utf-8")
    elif kind == "dangling link":
        out.symlink_to(out.parent / "nowhere")
    elif kind == "link":
        out.symlink_to(write_tiny_artifact(out.parent / "target"))
    else:
        write_tiny_artifact(out)
        if kind == "damaged artifact":
            (out / "manifest.json").write_text("{", encoding="utf-8")


@pytest.mark.parametrize("failure", [None, OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_draft_is_removed_whatever_happens(out: Path, failure: BaseException | None) -> None:
    """It is hidden, lies beside the destination (a rename needs the same file system), and goes with its content."""

    def draw() -> None:
        with beside(out) as draft:
            assert draft.parent == out.parent
            assert draft.name.startswith(".artifact-")
            (draft / "model.onnx.data").write_bytes(b"0" * 1000)
            if failure:
                raise failure

    if failure:
        with pytest.raises(type(failure)):
            draw()
    else:
        draw()
    assert list(out.parent.iterdir()) == []


def test_two_drafts_of_one_destination_do_not_meet(out: Path) -> None:
    """Two exports at once spoil nothing but time."""
    with beside(out) as one, beside(out) as two:
        assert one != two


def test_a_draft_lists_every_file_with_hash_and_size(tmp_path: Path) -> None:
    """The manifest that is returned is the one that was written, and the runtime accepts the folder."""
    tokenizer = tiny_tokenizer().to_str()
    manifest = write_draft(tmp_path, small_graph(), tokenizer, replace(tiny_manifest(64), license="Some license."))
    written = open_artifact(tmp_path).manifest
    assert written == manifest
    assert {path.name for path in tmp_path.iterdir()} == ARTIFACT_FILES - {RANGES_NAME, PIECES_NAME}
    assert {entry.name for entry in manifest.files} == ARTIFACT_FILES - {RANGES_NAME, PIECES_NAME, "manifest.json"}
    for entry in manifest.files:
        content = (tmp_path / entry.name).read_bytes()
        assert (entry.sha256, entry.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert (tmp_path / "NOTICE").read_text(encoding="utf-8") == "Some license.\n"
    assert (tmp_path / "tokenizer.json").read_text(encoding="utf-8") == tokenizer


def test_a_manifest_can_be_written_again(tmp_path: Path) -> None:
    """The fidelity is measured on the draft, and goes into its manifest after that."""
    write_draft(tmp_path, small_graph(), tiny_tokenizer().to_str(), tiny_manifest(64))
    files = open_artifact(tmp_path).manifest.files
    changed = replace(tiny_manifest(64), files=files, fidelity={"passed": False})
    assert write_manifest(tmp_path, changed) == changed == open_artifact(tmp_path).manifest


def test_publishing_renames_the_draft(out: Path) -> None:
    """Files get the permissions of ordinary files: a temporary folder is its maker's alone."""
    with beside(out) as draft:
        replaced(draft).joinpath("NOTICE").chmod(0o600)
        publish(draft, out)
    assert [path.name for path in out.parent.iterdir()] == ["artifact"]
    assert stat.S_IMODE(out.stat().st_mode) == 0o755
    assert stat.S_IMODE((out / "NOTICE").stat().st_mode) == 0o644


@pytest.mark.parametrize("kind", ["artifact", "empty folder"])
def test_publishing_replaces_what_lies_there(out: Path, kind: str) -> None:
    """Not a file of the old artifact is left, and nothing beside it."""
    make(out, kind)
    with beside(out) as draft:
        publish(replaced(draft), out)
    assert [path.name for path in out.parent.iterdir()] == ["artifact"]
    assert [path.name for path in out.iterdir()] == ["NOTICE"]


def test_a_rename_that_fails_leaves_the_old_artifact(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is put back where it was, and still opens."""
    make(out, "artifact")
    before = open_artifact(out)
    really = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if (self / "NOTICE").read_text(encoding="utf-8") == "new":
            raise OSError(errno.EIO, "Input/output error")
        return really(self, target)

    with beside(out) as draft:
        monkeypatch.setattr(Path, "rename", rename)
        with pytest.raises(OSError, match="Input/output error"):
            publish(replaced(draft), out)
    assert open_artifact(out) == before
    assert [path.name for path in out.parent.iterdir()] == ["artifact"]


def test_another_file_system_is_refused_by_the_first_rename(out: Path) -> None:
    """The old artifact stays where it was when the draft lies on a file system of its own."""
    elsewhere = Path("/dev/shm")
    if not elsewhere.is_dir() or elsewhere.stat().st_dev == out.parent.stat().st_dev:
        pytest.skip("there is no second file system here")
    make(out, "artifact")
    with beside(elsewhere / "artifact") as draft, pytest.raises(OSError, match="cross-device"):
        publish(replaced(draft), out)
    assert open_artifact(out).manifest.name == "tiny-cpu-fp32"
