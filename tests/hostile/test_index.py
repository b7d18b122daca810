"""Indexes that somebody damaged, or made for others to trip over: refused in a line, and nothing elsewhere is touched.

Damaged files keep their sizes: an open looks at these alone, and what is wrong inside must be told when it is met.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biolord_onnx import ArtifactError, Embedder, Index, InputError
from biolord_onnx.index.artifact import HINT, find_artifact
from biolord_onnx.index.building import build
from biolord_onnx.index.building.options import BuildOptions
from biolord_onnx.index.building.vocabulary import Name
from biolord_onnx.index.files import check_files
from biolord_onnx.index.manifest import IndexManifest
from hostile.fuzzing import cases, mutate_json
from unit.runtime.index.sources import athena

UPDATE, FORCE = BuildOptions(update=True), BuildOptions(force=True)
EXTENT = pytest.mark.parametrize("count", [120, pytest.param(3_000, marks=pytest.mark.real)])
WORDS = (b"\xff" * 4, b"\xff\xff\xff\x7f", b"\0\0\0\x80", b"\0\0\xc0\x7f", b"\0\0\x80\x7f", bytes(4))


@pytest.fixture(scope="module")
def made(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an index to copy."""
    folder = tmp_path_factory.mktemp("made")
    Index.build(embedder, athena(folder), folder / "index", BuildOptions(template="{name} of {domain_id}"))
    return folder / "index"


@pytest.fixture
def index(made: Path, tmp_path: Path) -> Path:
    """Give an index to damage."""
    return Path(shutil.copytree(made, tmp_path / "index"))


def damaged(data: bytes, chance: random.Random) -> bytes:
    """Change bytes, or words of four of them, of which there stay as many."""
    out = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(out))
        if chance.random() < 0.5:
            out[at] ^= 1 << chance.randrange(8)
        else:
            at -= at % 4
            out[at : at + 4] = chance.choice(WORDS)[: len(out) - at]
    return bytes(out)


def read(path: Path, embedder: Embedder) -> None:
    """Read an index in all ways that there are."""
    opened = Index.open(path, embedder=embedder)
    for queries in (["cat", "Dog Bite"], embedder.encode(["cat"])):
        for wish in ({}, {"all_names": True}, {"where": {"domain_id": "Animal"}}):
            hits = [hit for some in opened.search(queries, **wish) for hit in some]
            assert np.isfinite([hit.score for hit in hits]).all()
    for code in opened.codes() or ():
        opened.lookup(code)
    list(opened.names())
    opened.vectors()


def use(path: Path, embedder: Embedder) -> str | None:
    """Read an index; return why it was refused."""
    try:
        read(path, embedder)
    except (ArtifactError, InputError) as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "codes.rows",
            b"\xff",
            "numbers and the rows of codes don't fit, one of them is damaged: copy the index again",
        ),
        ("codes.starts", bytes(1), "numbers and the rows of codes don't fit, one of them is damaged"),
        ("codes.numbers", b"\x7f", r"numbers is damaged, row \d has no value"),
        ("names.rows", b"\x7f", "rows is damaged, it names rows that aren't there"),
        ("names.offsets", b"\x7f", r"texts or its offsets are damaged, text \d can't be read"),
        ("names.texts", b"\xff", r"texts or its offsets are damaged, text \d can't be read"),
        ("figures", b"\x7f", "the figures of its vectors are damaged"),
    ],
)
def test_files_of_nothing_but_one_byte(index: Path, embedder: Embedder, name: str, data: bytes, message: str) -> None:
    """Told by the file, whichever way it is met first."""
    file = index / "data-1" / name
    file.write_bytes(data * file.stat().st_size)
    with pytest.raises(ArtifactError, match=message):
        read(index, embedder)


def test_a_row_that_is_not_there(index: Path) -> None:
    """Some file had its number, then."""
    with pytest.raises(ArtifactError, match="it has no row 99, a file is damaged"):
        Index.open(index).hit(99, 1.0, exact=False)


@pytest.mark.usefixtures("coverage_paused")
@EXTENT
def test_files_of_the_same_size(index: Path, embedder: Embedder, count: int) -> None:
    """No traceback, no wild read, no cosine that is none."""
    files = sorted((index / "data-1").iterdir())
    ends: Counter[bool] = Counter()
    for case, chance in cases(31, count):
        file = chance.choice(files)
        data = file.read_bytes()
        file.unlink()  # what others have mapped is left to them
        file.write_bytes(damaged(data, chance))
        told = use(index, embedder)
        assert told is None or ("\n" not in told and len(told) < 2000), case
        ends[told is None] += 1
        file.unlink()
        file.write_bytes(data)
    assert min(ends[True], ends[False]) > count // 10


@pytest.mark.usefixtures("coverage_paused")
@EXTENT
def test_manifests(index: Path, embedder: Embedder, count: int) -> None:
    """Whatever they say, and however they say it."""
    file = index / "manifest.json"
    text = file.read_text("utf-8")
    ends: Counter[bool] = Counter()
    for case, chance in cases(32, count):
        file.write_text(mutate_json(text, chance), "utf-8")
        told = use(index, embedder)
        assert told is None or ("\n" not in told and len(told) < 2000), case
        ends[told is None] += 1
    assert ends[True]
    assert ends[False] > count // 2


def link_out(index: Path, tmp_path: Path) -> None:
    """Lead a file elsewhere, to one that would do."""
    (index / "data-1" / "high").rename(tmp_path / "high")
    (index / "data-1" / "high").symlink_to(tmp_path / "high")


def link_all_out(index: Path, tmp_path: Path) -> None:
    """Lead all files elsewhere."""
    (index / "data-1").rename(tmp_path / "data")
    (index / "data-1").symlink_to(tmp_path / "data")


def link_manifest(index: Path, tmp_path: Path) -> None:
    """Lead the manifest elsewhere."""
    (index / "manifest.json").rename(tmp_path / "manifest")
    (index / "manifest.json").symlink_to(tmp_path / "manifest")


def put_pipe(index: Path, _: Path) -> None:
    """Put what never ends in the place of a file."""
    (index / "data-1" / "low").unlink()
    os.mkfifo(index / "data-1" / "low")


def edit(change: Callable[[dict[str, Any]], object]) -> Callable[[Path, Path], None]:
    """Return what changes the manifest."""

    def do(index: Path, _: Path) -> None:
        file = index / "manifest.json"
        manifest = json.loads(file.read_text("utf-8"))
        change(manifest)
        file.write_text(json.dumps(manifest), "utf-8")

    return do


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (link_out, "high is a link that leads out of the index"),
        (link_all_out, "is a link that leads out of the index"),
        (link_manifest, r"manifest\.json is a link"),
        (put_pipe, "low is missing"),
        (edit(lambda m: m["files"].pop()), "lists other files than an index like it has"),
        (edit(lambda m: m.update(files=[])), "lists other files than an index like it has"),
        (edit(lambda m: m["counts"].update(codes=10**17)), "codes or columns are more than 6 rows can have"),
        (edit(lambda m: m["columns"][0].update(values=10**17)), "codes or columns are more than 6 rows can have"),
        (edit(lambda m: m["columns"].append(m["columns"][0])), "codes or columns are more than 6 rows can have"),
        (edit(lambda m: m.update(dim=16)), "high has 2048 bytes|low has 96 bytes, expected 192"),
        (edit(lambda m: m.update(template="x" * 70_000)), "template is a string of 70000 characters"),
    ],
)
def test_an_index_that_was_made_to_harm(
    index: Path, tmp_path: Path, damage: Callable[[Path, Path], None], message: str
) -> None:
    """Told before anything of it is mapped, and nothing outside the folder is read."""
    damage(index, tmp_path)
    with pytest.raises(ArtifactError, match=message):
        Index.open(index)


@pytest.mark.parametrize(
    "hint", [b"\0\0", b"../art\0", b"\xff\xff", b"a" * 5000, b"../" * 999, b"", b"/etc/passwd", b"a\x1b[2J", None]
)
def test_hints_at_an_artifact(index: Path, hint: bytes | None) -> None:
    """What leads nowhere is no error of its own, and a pipe isn't waited for."""
    (index / HINT).unlink()
    if hint is None:
        os.mkfifo(index / HINT)
    else:
        (index / HINT).write_bytes(hint)
    with pytest.raises(ArtifactError, match="say where it is with --artifact"):
        find_artifact(index)


def test_a_hint_at_a_damaged_artifact(index: Path) -> None:
    """It may be installed, too, which is looked for all the same."""
    (index / HINT).write_text("other\n", "utf-8")
    (index / "other").mkdir()
    (index / "other" / "manifest.json").write_bytes(b" " * (1 << 23))
    with pytest.raises(ArtifactError, match="say where it is with --artifact"):
        find_artifact(index)


def test_links_that_wait_for_a_build(index: Path, embedder: Embedder, tmp_path: Path) -> None:
    """What they lead to stays as it is."""
    precious = tmp_path / "precious"
    precious.write_text("mine", "utf-8")
    (index / HINT).unlink()
    (index / HINT).symlink_to(precious)
    (index / ".work").mkdir()
    (index / ".work" / "given").symlink_to(precious)
    Index.build(embedder, [Name("cat", vector=embedder.encode(["cat"], normalize=True)[0])], index, FORCE)
    assert precious.read_text("utf-8") == "mine"


def test_a_place_of_work_elsewhere(index: Path, embedder: Embedder, tmp_path: Path) -> None:
    """A folder of somebody else is not cleared."""
    (tmp_path / "theirs" / "data").mkdir(parents=True)
    (index / ".work").symlink_to(tmp_path / "theirs")
    with pytest.raises(InputError, match=r"\.work is a link, nothing that a build left: remove it"):
        Index.build(embedder, ["cat"], index, UPDATE)
    assert (tmp_path / "theirs" / "data").is_dir()


@pytest.mark.parametrize("name", ["data-2024", "data-notes"])
def test_a_folder_of_somebody_s_data(embedder: Embedder, tmp_path: Path, index: Path, name: str) -> None:
    """It is called as ours are, and stays: no index is built around it."""
    (tmp_path / "project" / name).mkdir(parents=True)
    (tmp_path / "project" / name / "notes.txt").write_text("mine", "utf-8")
    with pytest.raises(InputError, match="exists and is no index: choose another name"):
        Index.build(embedder, ["cat"], tmp_path / "project")
    shutil.copytree(tmp_path / "project" / name, index / name)
    if name == "data-2024":
        with pytest.raises(InputError, match="data-2024 holds something else than an index's files: move it"):
            Index.build(embedder, ["cat"], index, FORCE)
    else:
        Index.build(embedder, ["cat"], index, FORCE)
    assert (index / name / "notes.txt").exists()


def test_a_link_that_is_called_as_ours(embedder: Embedder, tmp_path: Path, index: Path) -> None:
    """What it leads to is not cleared."""
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "data-7").symlink_to(index / "data-1")
    with pytest.raises(InputError, match="exists and is no index: choose another name"):
        Index.build(embedder, ["cat"], tmp_path / "project")


def test_numbers_of_builds_end_nowhere(index: Path, embedder: Embedder) -> None:
    """Behind the last that a manifest may name comes the first."""
    edit(lambda m: m.update(data="data-999999999"))(index, index)
    (index / "data-1").rename(index / "data-999999999")
    assert Index.build(embedder, ["cat"], index, FORCE).manifest.data == "data-1"


@pytest.mark.parametrize("template", ["{name} of {nothing}", "{"])
def test_a_template_that_lies(index: Path, embedder: Embedder, template: str) -> None:
    """It decides which vectors an update takes over."""
    edit(lambda m: m.update(template=template))(index, index)
    with pytest.raises(ArtifactError, match="build the index again"):
        Index.build(embedder, ["cat"], index, UPDATE)


@pytest.mark.parametrize("name", ["low", "names.texts"])
def test_an_update_takes_nothing_over_that_was_changed(index: Path, embedder: Embedder, name: str) -> None:
    """A bit that flipped would get a hash that says it is right."""
    file = index / "data-1" / name
    data = bytearray(file.read_bytes())
    data[3] ^= 1
    file.write_bytes(data)
    Index.open(index)
    with pytest.raises(ArtifactError, match=f"{name} was changed since the index was built: SHA-256"):
        Index.open(index, verify_hashes=True)
    with pytest.raises(ArtifactError, match=f"{name} was changed since the index was built: SHA-256"):
        Index.build(embedder, ["cat"], index, UPDATE)


def test_what_an_interrupted_build_left_is_looked_at(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Vectors that changed since are computed anew, which is said."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    whole = Index.build(embedder, ["cat", "dog"], tmp_path / "whole")
    work = tmp_path / "index" / ".work"
    for file, data in (
        ("embedded.json", b"junk"),
        ("embedded.json", b"[" * 100_000),
        ("embedded.json", b"{}"),
        ("vectors.npy", b"junk"),
        ("vectors.npy", None),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(build, "write_vectors", full)
            with pytest.raises(OSError, match="No space"):
                Index.build(embedder, ["cat", "dog"], tmp_path / "index")
        old = bytearray((work / file).read_bytes())
        old[-1] ^= 1
        (work / file).write_bytes(old if data is None else data)
        told: list[str] = []
        built = Index.build(embedder, ["cat", "dog"], tmp_path / "index", BuildOptions(notify=told.append))
        assert built.fingerprint == whole.fingerprint
        assert any("is damaged, all names are embedded anew" in line for line in told)
        shutil.rmtree(tmp_path / "index")


def test_an_index_that_is_replaced_all_the_time(embedder: Embedder, tmp_path: Path) -> None:
    """Whoever opens it meanwhile gets the old one or the new one."""
    path = tmp_path / "index"
    Index.build(embedder, ["cat"], path)
    done = threading.Event()
    failures: list[Exception] = []

    def look() -> None:
        try:
            while not done.is_set():
                assert Index.open(path).search(embedder.encode(["cat"]))[0][0].name == "cat"
        except (ArtifactError, AssertionError) as error:
            failures.append(error)

    readers = [threading.Thread(target=look) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(12):
        Index.build(embedder, ["cat", f"dog {number}"], path, UPDATE)
    done.set()
    for reader in readers:
        reader.join()
    assert not failures


def test_an_index_that_is_replaced_once_its_manifest_was_read(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of the old one are gone then: the new one is opened, as often as that happens."""
    path = tmp_path / "index"
    later = [tmp_path / "newest", tmp_path / "newer"]
    for names, place in (["cat"], path), (["cat", "dog"], later[1]), (["cat", "dog", "bird"], later[0]):
        Index.build(embedder, names, place)

    def check_late(opened: Path, manifest: IndexManifest, *, verify_hashes: bool) -> None:
        if later:
            shutil.rmtree(path)
            later.pop().rename(path)
        check_files(opened, manifest, verify_hashes=verify_hashes)

    monkeypatch.setattr("biolord_onnx.index.folder.check_files", check_late)
    assert {name.name for name in Index.open(path).names()} == {"cat", "dog", "bird"}
    assert not later
