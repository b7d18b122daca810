"""Hidden files: made exclusively, never followed."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from biolord_onnx.bulk.hidden import create, is_named, naming, open_left, remove_left
from biolord_onnx.errors import InputError


def plant_link(path: Path) -> None:
    """Make it lead to something precious."""
    path.with_name("precious").write_text("precious")
    path.symlink_to("precious")


def plant_hard_link(path: Path) -> None:
    """Give something precious a second name."""
    path.with_name("precious").write_text("precious")
    os.link(path.with_name("precious"), path)


def plant_socket(path: Path) -> None:
    """Make a socket, which stays when it is closed."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


PLANTED = {
    "a symbolic link": plant_link,
    "a file with 2 names": plant_hard_link,
    "a folder": Path.mkdir,
    "a named pipe": os.mkfifo,
    "a device or socket": plant_socket,
}


@pytest.mark.parametrize(("kind", "plant"), PLANTED.items())
def test_what_no_run_leaves_is_refused(tmp_path: Path, kind: str, plant: Callable[[Path], object]) -> None:
    """Neither opened, nor written to, nor removed."""
    path = tmp_path / "h"
    plant(path)
    before = path.lstat()
    with pytest.raises(InputError, match=rf"h is {kind}, not .*: remove"):
        open_left(path)
    if kind != "a file with 2 names":
        with pytest.raises(InputError, match=rf"h is {kind}, not .*: remove"):
            remove_left(path)
    with pytest.raises(FileExistsError):
        create(path)
    assert path.lstat() == before
    if (tmp_path / "precious").exists():
        assert (tmp_path / "precious").read_text() == "precious"


def test_a_dangling_link_is_not_followed_either(tmp_path: Path) -> None:
    """O_CREAT alone would make the file it leads to."""
    (tmp_path / "h").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        create(tmp_path / "h")
    with pytest.raises(InputError, match="symbolic link"):
        open_left(tmp_path / "h")
    assert not (tmp_path / "nowhere").exists()


def test_what_a_run_left_is_taken_over(tmp_path: Path) -> None:
    """An ordinary file; none is none."""
    path = tmp_path / "h"
    assert open_left(path) is None
    with create(path) as stream:
        stream.write(b"left")
        assert is_named(path, stream)
    with open_left(path) as found:  # type: ignore[union-attr]
        assert found.read() == b"left"
        remove_left(path)
        assert not is_named(path, found)
    remove_left(path)


def test_another_users_file_in_a_folder_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who could go on writing to it. Elsewhere owners say little: network drives give all files to one."""
    path = tmp_path / "h"
    path.touch()
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    open_left(path).close()  # type: ignore[union-attr]
    tmp_path.chmod(0o1777)
    with pytest.raises(InputError, match=r"h is a file of user \d+, and you are \d+: have it removed, or choose"):
        open_left(path)


def test_a_file_that_is_swapped_while_it_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was looked at is what is used."""
    path = tmp_path / "h"
    path.touch()
    (tmp_path / "planted").touch()
    really_open = os.open

    def swapped(name: Path, flags: int) -> int:
        path.rename(tmp_path / "other")
        (tmp_path / "planted").rename(path)
        return really_open(name, flags)

    monkeypatch.setattr(os, "open", swapped)
    with pytest.raises(InputError, match="h was replaced while it was opened"):
        open_left(path)


def test_errors_name_the_file() -> None:
    """Where they name none; a broken pipe is another matter."""
    with pytest.raises(OSError, match="No space") as raised, naming(Path("h")):
        raise OSError(errno.ENOSPC, "No space left")
    assert raised.value.filename == "h"
    with pytest.raises(OSError, match="odd") as raised, naming(Path("h")):
        raise OSError("odd")
    assert (raised.value.filename, raised.value.strerror) == ("h", "odd")
    with pytest.raises(FileNotFoundError) as raised, naming(Path("h")):
        Path("there").read_bytes()
    assert raised.value.filename == "there"
    with pytest.raises(BrokenPipeError) as raised, naming(Path("h")):
        raise BrokenPipeError
    assert raised.value.filename is None
