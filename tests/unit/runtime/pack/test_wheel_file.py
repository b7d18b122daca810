"""Writing wheels."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from biolord_onnx.errors import ArtifactError
from biolord_onnx.pack.wheel import Member, WheelName, write_wheel

NAME = WheelName("some-data", "1.0+site2")
METADATA = b"Metadata-Version: 2.4\nName: some-data\nVersion: 1.0+site2\n"


def members(folder: Path) -> list[Member]:
    """Give members of both kinds, in no order."""
    (folder / "weights").write_bytes(b"\0" * 3_000_000 + b"\xff")
    return [
        Member("some_data/weights", folder / "weights"),
        Member(f"{NAME.info}/METADATA", METADATA),
        Member("some_data/__init__.py", b""),
    ]


def test_names() -> None:
    """As the specification has them: underscores in file names."""
    assert NAME.file == "some_data-1.0+site2-py3-none-any.whl"
    assert NAME.info == "some_data-1.0+site2.dist-info"


@pytest.mark.parametrize(
    ("tag", "pure"),
    [("py3-none-any", b"true"), ("py3-none-win_amd64", b"false"), ("py3-none-macosx_11_0_arm64", b"false")],
)
def test_the_tag(tmp_path: Path, tag: str, pure: bytes) -> None:
    """In the name and inside, where pip holds the two together."""
    name = WheelName("some-data", "1.0", tag)
    write_wheel(tmp_path / name.file, name, [Member("some_data/__init__.py", b"")])
    with zipfile.ZipFile(tmp_path / f"some_data-1.0-{tag}.whl") as archive:
        lines = archive.read("some_data-1.0.dist-info/WHEEL").splitlines()
    assert lines[2:] == [b"Root-Is-Purelib: " + pure, b"Tag: " + tag.encode()]


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """Whatever the order and the files' times."""
    write_wheel(tmp_path / "a.whl", NAME, members(tmp_path))
    write_wheel(tmp_path / "b.whl", NAME, reversed(members(tmp_path)))
    assert (tmp_path / "a.whl").read_bytes() == (tmp_path / "b.whl").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.whl", "b.whl", "weights"]


def test_the_record_is_right(tmp_path: Path) -> None:
    """Every file but the record itself, with its hash and size."""
    write_wheel(tmp_path / "a.whl", NAME, members(tmp_path))
    with zipfile.ZipFile(tmp_path / "a.whl") as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    record = f"{NAME.info}/RECORD"
    rows = {name: (digest, size) for name, digest, size in csv.reader(io.StringIO(content[record].decode()))}
    assert rows.keys() == content.keys()
    assert rows.pop(record) == ("", "")
    for name, (digest, size) in rows.items():
        found = base64.urlsafe_b64encode(hashlib.sha256(content[name]).digest()).decode().rstrip("=")
        assert (digest, size) == (f"sha256={found}", str(len(content[name])))


def test_pip_installs_it(tmp_path: Path) -> None:
    """The judge of wheels."""
    wheel = tmp_path / NAME.file
    write_wheel(wheel, NAME, members(tmp_path))
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", str(tmp_path / "site")]
    subprocess.run([*command, "--disable-pip-version-check", str(wheel)], capture_output=True, check=True)
    assert (tmp_path / "site" / "some_data" / "weights").read_bytes() == (tmp_path / "weights").read_bytes()


def test_a_wheel_that_fails_is_not_there(tmp_path: Path) -> None:
    """Nor is a half of it; the old one stays."""
    (tmp_path / "a.whl").write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        write_wheel(tmp_path / "a.whl", NAME, [Member("x", tmp_path / "missing")])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a.whl", b"old")]


def test_any_name_has_its_row(tmp_path: Path) -> None:
    """Commas, quotes and blanks are what the record's format has quotes for."""
    names = ["d/a,sha256=x,1.json", 'd/a"b.json', "d/ a.json", "d/é.json", "d/a;b.json"]
    write_wheel(tmp_path / "a.whl", NAME, [Member(name, b"x") for name in names])
    with zipfile.ZipFile(tmp_path / "a.whl") as archive:
        rows = list(csv.reader(io.StringIO(archive.read(f"{NAME.info}/RECORD").decode())))
    assert {len(row) for row in rows} == {3}
    assert {row[0] for row in rows} == {*names, f"{NAME.info}/WHEEL", f"{NAME.info}/RECORD"}


@pytest.mark.parametrize("other", ["d/a.json", "D/A.json"])
def test_two_files_of_one_name(tmp_path: Path, other: str) -> None:
    """Which one is installed would depend on the system."""
    with pytest.raises(ArtifactError, match=r"the wheel would hold '.*' and '.*', one name: don't use this artifact"):
        write_wheel(tmp_path / "a.whl", NAME, [Member("d/a.json", b"x"), Member(other, b"y")])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_what_was_checked(tmp_path: Path) -> None:
    """It was changed in between: no wheel."""
    (tmp_path / "weights").write_bytes(b"new")
    member = Member("d/weights", tmp_path / "weights", hashlib.sha256(b"old").hexdigest())
    with pytest.raises(ArtifactError, match=r"weights was changed while it was packed: SHA-256 \w{12}\.\.\., expected"):
        write_wheel(tmp_path / "a.whl", NAME, [member])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["weights"]


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """Somebody put it where the wheel is gathered; what it leads to stays as it is."""
    (tmp_path / "precious").write_bytes(b"mine")
    (tmp_path / ".a.whl.part").symlink_to(tmp_path / "precious")
    write_wheel(tmp_path / "a.whl", NAME, [Member("d/a.json", b"x")])
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert not (tmp_path / "a.whl").is_symlink()
