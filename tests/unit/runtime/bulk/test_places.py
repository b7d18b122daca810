"""How an output gets its name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, NoReturn

import pytest

from biolord_onnx.bulk.places import Places
from biolord_onnx.errors import InputError


@pytest.fixture
def places(tmp_path: Path) -> Places:
    """Give places with vectors gathered."""
    places = Places.beside(str(tmp_path / "o.npy"))
    places.part.write_bytes(b"new")
    return places


def write(stream: BinaryIO) -> None:
    """Write a result."""
    stream.write(b"written")


def without_links(_: object, __: object) -> NoReturn:
    """Stand for a file system that knows no hard links."""
    raise PermissionError(1, "Operation not permitted", "x")


@pytest.mark.parametrize("links", [True, False])
def test_an_output_appears(places: Places, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    """Under its name alone."""
    if not links:
        monkeypatch.setattr(os, "link", without_links)
    places.publish(None, force=False)
    assert places.output.read_bytes() == b"new"
    assert [path.name for path in places.output.parent.iterdir()] == ["o.npy"]


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("planted", ["file", "dangling link", "folder"])
def test_what_appeared_meanwhile_is_not_replaced(
    places: Places, monkeypatch: pytest.MonkeyPatch, links: bool, planted: str
) -> None:
    """Only --force does."""
    if not links:
        monkeypatch.setattr(os, "link", without_links)
    match planted:
        case "file":
            places.output.write_bytes(b"old")
        case "folder":
            places.output.mkdir()
        case _:
            places.output.symlink_to("nowhere")
    before = places.output.lstat()
    for content in (None, write):
        with pytest.raises(InputError, match=r"o\.npy has appeared since the run began: move it away, or replace it"):
            places.publish(content, force=False)
    assert (places.output.lstat().st_ino, places.output.lstat().st_mode) == (before.st_ino, before.st_mode)
    assert sorted(path.name for path in places.output.parent.iterdir()) == [".o.npy.new", ".o.npy.part", "o.npy"]


def test_force_replaces_what_is_there(places: Places, tmp_path: Path) -> None:
    """A link that has appeared is replaced, and what it leads to stays."""
    (tmp_path / "precious").write_text("precious")
    places.output.symlink_to("precious")
    places.publish(write, force=True)
    assert (places.output.read_bytes(), places.output.is_symlink()) == (b"written", False)
    assert (tmp_path / "precious").read_text() == "precious"


def test_errors_name_the_output(places: Places, tmp_path: Path) -> None:
    """Not the hidden file that was to become it."""
    tmp_path.rename(tmp_path.with_name("moved"))
    with pytest.raises(FileNotFoundError) as raised:
        places.publish(None, force=False)
    assert raised.value.filename == str(places.output)


def test_a_process_killed_between_two_names(places: Places) -> None:
    """The output is there; another run knows that it is."""
    assert not places.is_published()
    os.link(places.part, places.output)
    assert places.is_published()
    places.clear()
    assert places.output.read_bytes() == b"new"


def test_a_killed_conversion_is_cleared(places: Places) -> None:
    """By the next one."""
    places.new.write_bytes(b"half")
    places.publish(write, force=False)
    assert places.output.read_bytes() == b"written"
    assert not places.new.exists()
