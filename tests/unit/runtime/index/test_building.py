"""Builds that fail, are killed and go on, and indexes that are replaced."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx import ArtifactError, Embedder, Index, InputError
from biolord_onnx.bulk import run as bulk_run
from biolord_onnx.bulk.workers import work
from biolord_onnx.index.artifact import HINT, find_artifact, write_hint
from biolord_onnx.index.building import build, place, vectors
from biolord_onnx.index.building.options import BuildOptions
from biolord_onnx.index.building.template import Template
from biolord_onnx.index.building.vocabulary import Name, Synonyms, Vocabulary
from biolord_onnx.index.folder import open_folder
from unit.runtime.index.sources import athena, write_athena

NAMES = [f"cat {number}" for number in range(40)]
FORCE = BuildOptions(force=True)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the place of an index."""
    return tmp_path / "index"


def content(path: Path) -> dict[str, bytes]:
    """Read all files of an index."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_nothing_is_left_of_a_build_that_never_began(embedder: Embedder, path: Path) -> None:
    """Not even the folder; one that was there stays."""
    with pytest.raises(InputError, match="there are no names to index"):
        Index.build(embedder, [], path)
    assert not path.exists()
    path.mkdir()
    with pytest.raises(InputError, match="name 1 is empty"):
        Index.build(embedder, ["cat", " "], path)
    assert list(path.iterdir()) == []


# Steps of a build, each the last of one that is killed there.
STEPS: dict[str, tuple[object, str]] = {
    "read": (build, "known_rows"),
    "embedded": (build, "write_whole"),
    "noted": (build, "write_vectors"),
    "packed": (build, "measure_recall"),
    "measured": (build, "write_hint"),
    "named": (place, "write_whole"),
}


class KilledError(Exception):
    """The process ends here."""


@pytest.mark.parametrize("step", STEPS)
def test_a_build_goes_on_from_wherever_it_was_killed(
    embedder: Embedder, path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """To the same bytes; what is half done can't be opened."""
    whole = Index.build(embedder, NAMES, tmp_path / "whole")
    module, function = STEPS[step]

    def kill(*_: object, **__: object) -> None:
        raise KilledError

    # A killed process cleans nothing up.
    with monkeypatch.context() as patch:
        patch.setattr(module, function, kill)
        patch.setattr(place.Place, "leave", lambda _: None)
        with pytest.raises(KilledError):
            Index.build(embedder, NAMES, path)
    with pytest.raises(ArtifactError, match=r"is no index \(without manifest\.json, or not built to its end\)"):
        Index.open(path)
    index = Index.build(embedder, NAMES, path)
    assert content(path) == content(whole._folder.path)
    assert index.fingerprint == whole.fingerprint


def test_what_is_embedded_is_not_embedded_again(
    embedder: Embedder, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a disk that was full in the last step, say; of other names it is refused, unless it is forgotten."""

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(build, "write_vectors", full)
        with pytest.raises(OSError, match="No space"):
            Index.build(embedder, NAMES, path)
    assert not (path / ".work" / "data").exists()
    with pytest.raises(InputError, match=r"its input was 40 rows .*, and is 39 rows .* now: run it as it was"):
        Index.build(embedder, NAMES[1:], path)
    with monkeypatch.context() as patch:
        patch.setattr(build, "embed_to_file", full)
        index = Index.build(embedder, NAMES, path)
    assert index.rows == 40
    assert not (path / ".work").exists()


def test_advice_for_a_full_disk_is_what_a_build_can_do(
    embedder: Embedder, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which has no --precision."""
    usage = shutil.disk_usage(path.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    with pytest.raises(InputError, match=r"are free: make room$"):
        Index.build(embedder, NAMES, path)


def test_an_interrupted_build_can_be_forgotten(embedder: Embedder, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With restart."""
    with monkeypatch.context() as patch:
        patch.setattr(build, "write_vectors", lambda *_, **__: json.loads("no"))
        with pytest.raises(ValueError, match="Expecting value"):
            Index.build(embedder, NAMES, path)
    assert Index.build(embedder, NAMES[1:], path, BuildOptions(restart=True)).rows == 39


def test_an_index_is_replaced_if_that_is_said(embedder: Embedder, path: Path) -> None:
    """The old files go when the new ones are there; whoever has them mapped keeps them."""
    old = Index.build(embedder, NAMES, path)
    with pytest.raises(InputError, match="exists: add what is new with --update, or replace it with --force"):
        Index.build(embedder, ["dog"], path)
    assert Index.build(embedder, ["dog"], path, FORCE).rows == 1
    assert sorted(file.name for file in path.iterdir()) == [HINT, "data-2", "manifest.json"]
    assert old.search(["cat 3"])[0][0].name == "cat 3"


def test_the_old_index_stays_until_the_new_one_is_there(
    embedder: Embedder, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A build that fails in its last step has changed nothing that is read."""
    fingerprint = Index.build(embedder, NAMES, path).fingerprint
    with monkeypatch.context() as patch:
        patch.setattr(place, "write_whole", lambda *_: json.loads("no"))
        with pytest.raises(ValueError, match="Expecting value"):
            Index.build(embedder, ["dog"], path, FORCE)
    assert Index.open(path).fingerprint == fingerprint
    assert Index.build(embedder, ["dog"], path, FORCE).rows == 1
    assert sorted(file.name for file in path.iterdir()) == [HINT, "data-2", "manifest.json"]


@pytest.mark.parametrize("template", [None, "{name} of {domain_id}"])
@pytest.mark.parametrize("rescore", [True, False])
def test_an_update_embeds_only_what_is_new(
    embedder: Embedder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, template: str | None, rescore: bool
) -> None:
    """And gives what a new build gives, byte by byte."""
    path, other = tmp_path / "index", tmp_path / "other"
    vocabulary = athena(tmp_path)
    first = BuildOptions(template=template, rescore=rescore)
    Index.build(embedder, vocabulary, path, first)
    concepts, _ = write_athena(tmp_path)
    table = concepts.read_text("utf-8").replace("Fever", "Heart injury").replace("1\t", "11\t")
    concepts.write_text(f"{table}6\tDog scratch\tCondition\tS\n", "utf-8")
    embedded: list[str] = []
    encode = work.encode_here

    def noted(parts: object, *arguments: object) -> object:
        some = list(parts)  # type: ignore[call-overload]
        embedded.extend(text for part in some for text in part.texts)
        return encode(some, *arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(bulk_run, "encode_here", noted)
        updated = Index.build(embedder, vocabulary, path, BuildOptions(template=template, rescore=rescore, update=True))
    of = "" if template is None else " of Condition"
    assert embedded == [f"Heart injury{of}", f"Dog scratch{of}"]
    Index.build(embedder, vocabulary, other, first)
    data = [content(folder) for folder in (path / "data-2", other / "data-1")]
    assert data[0] == data[1]
    assert updated.lookup("11")[0].name == "Heart injury"


def test_an_update_of_nothing_new(embedder: Embedder, path: Path) -> None:
    """Nothing is embedded; names may go."""
    Index.build(embedder, NAMES, path)
    assert Index.build(embedder, NAMES[5:], path, BuildOptions(update=True)).rows == 35


def test_what_can_not_be_updated(embedder: Embedder, compiled: Path, path: Path) -> None:
    """What isn't there, is of another artifact, or lacks the low bits."""
    update = BuildOptions(update=True)
    with pytest.raises(InputError, match="holds no index to update: build it without --update"):
        Index.build(embedder, NAMES, path, update)
    Index.build(embedder, NAMES, path, BuildOptions(rescore=False))
    with pytest.raises(InputError, match="was built with --rescore none"):
        Index.build(embedder, NAMES, path, update)
    with pytest.raises(
        ArtifactError, match=r"holds vectors of tiny-cpu-fp32 with fingerprint .*, not of tiny-cpu-int8"
    ):
        Index.build(compiled, NAMES, path, update)


def test_places_that_hold_something_else(embedder: Embedder, tmp_path: Path) -> None:
    """A file, a folder of other things, a folder that isn't there, another manifest."""
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.write_text("mine")
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    for place_of_others in (file, folder):
        with pytest.raises(InputError, match="exists and is no index: choose another name"):
            Index.build(embedder, NAMES, place_of_others, FORCE)
    with pytest.raises(InputError, match=r"the folder .*nowhere of index does not exist: make it first"):
        Index.build(embedder, NAMES, tmp_path / "nowhere" / "index")
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["file", "folder", "mine.txt"]


def test_an_artifact_is_not_taken_for_an_index(embedder: Embedder, tiny_copy: Path) -> None:
    """Nor replaced by one."""
    with pytest.raises(ArtifactError, match="holds another manifest than an index has"):
        Index.build(embedder, NAMES, tiny_copy, FORCE)
    with pytest.raises(ArtifactError, match="holds another manifest than an index has"):
        Index.open(tiny_copy)


def test_two_builds_at_once(embedder: Embedder, path: Path) -> None:
    """The second is told to wait, and the first is not disturbed."""

    def names() -> object:
        yield from NAMES[:20]
        with pytest.raises(InputError, match="another process is building"):
            Index.build(embedder, NAMES, path)
        yield from NAMES[20:]

    assert Index.build(embedder, names(), path).rows == 40  # type: ignore[arg-type]


def test_two_builds_that_begin_at_once(embedder: Embedder, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock appears between looking for it and making it."""
    (path / ".work").mkdir(parents=True)
    (path / ".work" / "lock").touch()
    monkeypatch.setattr(place, "open_left", lambda _: None)
    with pytest.raises(InputError, match="another process is building"):
        Index.build(embedder, NAMES, path)


def damage_size(path: Path) -> None:
    """Let a file be longer."""
    with (path / "data-1" / "low").open("ab") as stream:
        stream.write(b"more")


def remove_file(path: Path) -> None:
    """Take a file away."""
    (path / "data-1" / "high").unlink()


def edit(**fields: object) -> Callable[[Path], None]:
    """Give what changes fields of the manifest."""

    def change(path: Path) -> None:
        manifest = json.loads((path / "manifest.json").read_text())
        (path / "manifest.json").write_text(json.dumps(manifest | fields))

    return change


def lie_about_rows(path: Path) -> None:
    """Let there be more rows than the files have."""
    manifest = json.loads((path / "manifest.json").read_text())
    manifest["counts"]["rows"] = 4000
    (path / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_size, r"low has \d+ bytes, the manifest says \d+: copy the folder again, or build the index again"),
        (remove_file, "high is missing: copy the folder again"),
        (edit(format=2), "format 2, this biolord-onnx reads 1: install a later one, or build the index again"),
        (edit(data="../../etc"), "data is '../../etc', expected the name of a folder"),
        (edit(dim=100_000), "dim is 100000, expected an integer of 4096 or less"),
        (lie_about_rows, "its files don't fit its manifest"),
        (lambda path: (path / "manifest.json").write_text("{"), "is not valid JSON"),
        (shutil.rmtree, r"is no index .there is no such folder.: run biolord index first"),
    ],
)
def test_a_damaged_index_is_refused(
    embedder: Embedder, path: Path, damage: Callable[[Path], object], message: str
) -> None:
    """Before anything of it is used."""
    Index.build(embedder, NAMES, path)
    damage(path)
    with pytest.raises(ArtifactError, match=message):
        Index.open(path)


@pytest.mark.parametrize("name", ["codes.numbers", "names.texts", "column0.numbers"])
def test_files_that_were_overwritten(embedder: Embedder, tmp_path: Path, name: str) -> None:
    """Of the same size, so that an open doesn't notice: told in one line once a row of it is shown."""
    Index.build(embedder, athena(tmp_path), tmp_path / "index")
    file = tmp_path / "index" / "data-1" / name
    file.write_bytes(b"\xff" * (file.stat().st_size - 1) + b"\x7f")
    with pytest.raises(ArtifactError, match=r"damaged, .*: copy the index again"):
        list(Index.open(tmp_path / "index").names())


@pytest.mark.parametrize(
    ("names", "error", "message"),
    [
        ("cat", TypeError, "the names are str, expected a list of str, or a Vocabulary"),
        (b"cat", TypeError, "the names are bytes"),
        ([5], TypeError, "name 0 is int, expected str or Name"),
        (["cat", None], TypeError, "name 1 is NoneType"),
        ([Name(5)], TypeError, "name 0 is int, expected str"),  # type: ignore[arg-type]
        ([Name("cat", 5)], TypeError, "the code of name 0 is int, expected str"),  # type: ignore[arg-type]
        ([Name("cat", " ")], InputError, "the code of name 0 is empty"),
        (["a\ud800"], InputError, "name 0 has a lone surrogate"),
        ([Name("cat", "\udfff")], InputError, "the code of name 0 has a lone surrogate"),
        ([Name("cat", kept=("x",))], InputError, "name 0 has columns to keep, which only a table has"),
        ([Name("cat", vector=np.ones(8, complex))], InputError, "is of type complex128, expected float32"),
    ],
)
def test_names_that_are_none(
    embedder: Embedder, path: Path, names: list[str], error: type[Exception], message: str
) -> None:
    """Told by number, and nothing is left behind."""
    with pytest.raises(error, match=message):
        Index.build(embedder, names, path)
    assert not path.exists()


def test_what_a_manifest_has_no_room_for(embedder: Embedder, path: Path, tmp_path: Path) -> None:
    """An index that can't be opened must not take the place of one that can."""
    with pytest.raises(InputError, match="the template has 70006 characters, expected 65536 at most"):
        Index.build(embedder, ["cat"], path, BuildOptions(template="{name}" + "x" * 70_000))
    with pytest.raises(InputError, match="an index keeps 256 columns at most, with names of 256 characters"):
        Index.build(embedder, athena(tmp_path, keep=("x" * 257,)), path)


def test_all_names_have_codes_or_none(embedder: Embedder, path: Path) -> None:
    """Which of them a code would be missing of can't be known later."""
    with pytest.raises(InputError, match="the name 'dog' has no code, those before have codes: give all a code"):
        Index.build(embedder, [Name("cat", "1"), "dog"], path)
    with pytest.raises(InputError, match="the name 'dog' has code '1', those before have none"):
        Index.build(embedder, ["cat", Name("dog", "1")], path)


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("a {class}", r"has no \{name\}: all names of a code would be one text"),
        ("{name", "can't be read"),
        ("{name!r}", "has more than names in its places"),
        ("{name:>9}", "has more than names in its places"),
        ("{} {name}", "has more than names in its places"),
    ],
)
def test_templates_that_are_none(template: str, message: str) -> None:
    """Each is refused with what is wrong."""
    with pytest.raises(InputError, match=message):
        Template.parse(template)


def test_a_template_is_filled() -> None:
    """Braces may be doubled; what is filled in is no template again."""
    template = Template.parse("{{{name}}} ({class}), {name}")
    assert template.columns == ("class",)
    assert template.fill("{cat}", ("class",), ("{name}",)) == "{{cat}} ({name}), {cat}"


def test_columns_that_contradict_each_other(embedder: Embedder, tmp_path: Path) -> None:
    """Synonyms without codes, a template's name that is a column's, and one of a program's names."""
    vocabulary, path = athena(tmp_path), tmp_path / "index"
    bare = Vocabulary(vocabulary.file, "concept_name", synonyms=vocabulary.synonyms)
    with pytest.raises(InputError, match="has synonyms of codes: name the column of codes with --code, too"):
        Index.build(embedder, bare, path)
    named = Vocabulary(vocabulary.file, "concept_name", keep=("name",))
    with pytest.raises(InputError, match="rename the column"):
        Index.build(embedder, named, path, BuildOptions(template="{name}!"))
    with pytest.raises(InputError, match=r"the template has \{class\}"):
        Index.build(embedder, ["cat"], path, BuildOptions(template="{name} {class}"))


def test_a_filter_that_leaves_nothing(embedder: Embedder, tmp_path: Path) -> None:
    """Says how many it left out."""
    concepts, _ = write_athena(tmp_path)
    vocabulary = Vocabulary(str(concepts), "concept_name", where={"domain_id": ("No", "Nor")})
    with pytest.raises(InputError, match="there are no names to index: all 5 rows were left out by --where"):
        Index.build(embedder, vocabulary, tmp_path / "index")


def test_rows_without_a_code_are_refused_or_skipped(embedder: Embedder, tmp_path: Path) -> None:
    """As those without a name, in both files, and counted."""
    table, synonyms = tmp_path / "t.tsv", tmp_path / "s.tsv"
    table.write_text("id\tname\n1\tcat\n\tdog\n3\t\n", "utf-8")
    synonyms.write_text("id\tname\n1\t\n1\tfelis\n", "utf-8")
    said: list[str] = []
    vocabulary = Vocabulary(str(table), "name", "id")
    with pytest.raises(InputError, match=r"t\.tsv, line 3: column 'id' is empty: fill it, or choose --empty skip"):
        Index.build(embedder, vocabulary, tmp_path / "index")
    skipping = Vocabulary(str(table), "name", "id", empty="skip", synonyms=Synonyms(str(synonyms), "id", "name"))
    index = Index.build(embedder, skipping, tmp_path / "index", BuildOptions(notify=said.append))
    assert [hit.name for hit in index.names()] == ["cat", "felis"]
    assert said == ["rows left out, without a name or code: 3"]


def test_many_blocks_of_vectors(embedder: Embedder, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Are written one by one, the last one short."""
    expected = Index.build(embedder, NAMES, path)
    monkeypatch.setattr(vectors, "BLOCK_ROWS", 32)
    again = Index.build(embedder, NAMES, path.with_name("other"))
    assert again.fingerprint == expected.fingerprint


def test_the_artifact_is_found_again(tiny_copy: Path, tmp_path: Path) -> None:
    """Where it was when the index was built, though both are moved; it is told if it isn't there."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    shutil.copytree(tiny_copy, here / "artifact")
    Index.build(here / "artifact", NAMES, here / "index")
    assert (here / "index" / HINT).read_text() == "../artifact\n"
    here.rename(there)
    assert find_artifact(there / "index") == there / "artifact"
    shutil.rmtree(there / "artifact")
    with pytest.raises(ArtifactError, match=r"there/artifact nor installed: say where it is with --artifact"):
        find_artifact(there / "index")
    (there / "index" / HINT).unlink()
    with pytest.raises(ArtifactError, match="neither where it was then nor installed"):
        find_artifact(there / "index")
    (there / "index" / HINT).write_bytes(b"\xff")
    with pytest.raises(ArtifactError, match="neither where it was then nor installed"):
        find_artifact(there / "index")


def test_an_artifact_on_another_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has no place relative to the index: Windows."""

    def other_drive(*_: object) -> str:
        raise ValueError("path is on mount 'C:', start on mount 'D:'")

    monkeypatch.setattr(os.path, "relpath", other_drive)
    write_hint(tmp_path, Path("/d/artifact"))
    assert (tmp_path / HINT).read_text() == "/d/artifact\n"


def test_an_open_index_is_mapped(embedder: Embedder, path: Path) -> None:
    """Nothing is read whole."""
    Index.build(embedder, NAMES, path)
    folder = open_folder(path)
    for array in (folder.vectors.high, folder.vectors.low, folder.vectors.figures):
        assert array is not None
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable
