"""Files that are the same, files that only look like it, and files put in others' place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_onnx.artifact.folder import open_artifact
from biolord_onnx.artifact.stamps import Stamp
from biolord_onnx.errors import ArtifactError
from unit.runtime.tiny_artifact import flip

NAME = "tokenizer.json"
CHANGED = r"tokenizer\.json is not the file that was there when the artifact was opened: load it again"


def rename_over(path: Path) -> None:
    """Put another file in its place, as writers do that lose nothing."""
    copy = path.with_name("copy")
    shutil.copy2(path, copy)
    flip(copy, 10)
    shutil.copystat(path, copy)
    copy.replace(path)


def rewrite(path: Path) -> None:
    """Write into it, and set its times back."""
    before = path.stat()
    flip(path, 10)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def copy_anew(path: Path) -> None:
    """Replace it by its own copy."""
    shutil.copyfile(path, path.with_name("copy")).replace(path)


@pytest.mark.parametrize("change", [rename_over, rewrite, Path.unlink])
def test_another_file_is_refused(tiny_copy: Path, change: Callable[[Path], object]) -> None:
    """Equal size and times don't help, and what a block read meanwhile counts for nothing."""
    files = open_artifact(tiny_copy).files
    with files.reading(NAME):
        pass
    with pytest.raises(ArtifactError, match=CHANGED), files.reading(NAME):
        change(tiny_copy / NAME)
    with pytest.raises(ArtifactError, match=CHANGED), files.reading("NOTICE", NAME):
        pytest.fail("the block must not run")
    with files.reading("NOTICE"):
        pass
    with pytest.raises(ArtifactError, match=CHANGED):
        files.check_unchanged()


def test_a_block_that_fails_tells_the_cause(tiny_copy: Path) -> None:
    """Whatever went wrong in it: the file was another one."""
    files = open_artifact(tiny_copy).files

    def read() -> None:
        (tiny_copy / NAME).unlink()
        (tiny_copy / NAME).read_bytes()

    with pytest.raises(ArtifactError, match=CHANGED), files.reading(NAME):
        read()


@pytest.mark.parametrize("change", [copy_anew, os.utime, lambda path: path.chmod(0o600)])
def test_the_same_bytes_are_the_same_file(tiny_copy: Path, change: Callable[[Path], object]) -> None:
    """Copied anew, touched, or made private: it is hashed once, then known."""
    files = open_artifact(tiny_copy).files
    change(tiny_copy / NAME)
    with files.reading(NAME):
        pass
    files.check_unchanged()


def test_a_stamp_of_nothing(tmp_path: Path) -> None:
    """There is none."""
    assert Stamp.of(tmp_path / "none") is None
