"""What was loaded is what is read: artifacts that are replaced while somebody uses them."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import Artifact, check_hashes, find_fingerprint, open_artifact
from biolord_onnx.artifact.ranges import RANGES_NAME, Ranges, ranges_to_json
from biolord_onnx.bulk.workers.processes import encode_in_processes
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding import model
from biolord_onnx.errors import ArtifactError
from biolord_onnx.loading import LoadOptions
from biolord_onnx.session.session import Session, open_session
from unit.runtime.bulk.workers.test_processes import parts
from unit.runtime.command import PATIENCE
from unit.runtime.compiled_artifact import compiled_model, write_compiled_artifact
from unit.runtime.pieces_file import unigram_json, write_table
from unit.runtime.tiny_artifact import DIM, tiny_manifest, tiny_table, write_manifest, write_tiny_artifact

TEXTS = [f"cat scratch injury of the heart {number}" for number in range(64)]
STALE = "is not the file that was there when the artifact was opened: load it again"


def add_ranges(folder: Path, bound: float) -> None:
    """Add ranges of all dimensions."""
    ends = Ranges((-bound,) * DIM, (bound,) * DIM)
    text = ranges_to_json({"sentence_embedding": ends, "unit_embedding": ends})
    (folder / RANGES_NAME).write_text(text, "utf-8")
    write_manifest(folder, tiny_manifest())


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Give the artifact that is loaded."""
    folder = write_tiny_artifact(tmp_path / "model")
    add_ranges(folder, 1)
    return folder


@pytest.fixture
def new(tmp_path: Path) -> Path:
    """Give another one: files of the same names and sizes, weights that differ."""
    folder = write_tiny_artifact(tmp_path / "new")
    (folder / "model.onnx.data").write_bytes((-tiny_table()[::-1]).tobytes())
    add_ranges(folder, 2)
    return folder


def swap_folders(old: Path, new: Path) -> None:
    """Rename one away and the other to its place."""
    old.rename(old.with_name("away"))
    new.rename(old)


def rename_files(old: Path, new: Path) -> None:
    """Rename each file over the other."""
    for path in new.iterdir():
        path.replace(old / path.name)


def remove(old: Path, new: Path) -> None:
    """Remove what was loaded, and the other, too."""
    shutil.rmtree(old)
    shutil.rmtree(new)


REPLACEMENTS = pytest.mark.parametrize("replacement", [swap_folders, rename_files, remove])
Replacement = Callable[[Path, Path], None]


def vectors(folder: Path) -> NDArray[np.generic]:
    """Return the vectors of the texts."""
    with Embedder.load(folder, threads=2) as embedder:
        return embedder.encode(TEXTS)


@REPLACEMENTS
def test_many_texts_get_the_weights_that_were_loaded(old: Path, new: Path, replacement: Replacement) -> None:
    """There is one session, and what it mapped stays."""
    expected = vectors(old)
    with Embedder.load(old, threads=2) as embedder:
        replacement(old, new)
        np.testing.assert_array_equal(embedder.encode(TEXTS), expected)


@REPLACEMENTS
def test_mapped_weights_stay(compiled_copy: Path, tmp_path: Path, replacement: Replacement) -> None:
    """Those of the compiled operators are never copied, and most of them are first read by the first text."""
    new = write_compiled_artifact(tmp_path / "new", model=compiled_model(seed=2))
    expected = vectors(compiled_copy)
    assert not np.array_equal(vectors(new), expected)
    with Embedder.load(compiled_copy, threads=2) as embedder:
        replacement(compiled_copy, new)
        np.testing.assert_array_equal(embedder.encode(TEXTS), expected)


def test_a_link_that_leads_elsewhere_later(old: Path, new: Path, tmp_path: Path) -> None:
    """It was followed when the artifact was loaded: all goes on as it was."""
    expected = vectors(old)
    link = tmp_path / "current"
    link.symlink_to(old)
    with Embedder.load(link, threads=2) as embedder:
        (tmp_path / "next").symlink_to(new)
        (tmp_path / "next").replace(link)
        np.testing.assert_array_equal(embedder.encode(TEXTS), expected)


def test_a_relative_path_is_of_the_folder_of_then(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that goes elsewhere keeps its artifact."""
    monkeypatch.chdir(old.parent)
    expected = vectors(old)
    with Embedder.load(old.name, threads=2) as embedder:
        monkeypatch.chdir("/")
        np.testing.assert_array_equal(embedder.encode(TEXTS), expected)
        embedder.encode(TEXTS, precision="int8")


@REPLACEMENTS
def test_ranges_that_are_others_are_refused(old: Path, new: Path, replacement: Replacement) -> None:
    """The first 8-bit vector reads them."""
    with Embedder.load(old, threads=1) as embedder:
        embedder.encode("cat", precision="int8")
        replacement(old, new)
        with pytest.raises(ArtifactError, match=STALE):
            embedder.encode("cat", precision="int8")


def test_a_tokenizer_that_is_another_is_refused(old: Path) -> None:
    """With a table of pieces its file is read late, for the first text that spells a special token."""
    write_table(old)
    write_manifest(old, tiny_manifest())
    with Embedder.load(old, threads=1) as embedder:
        expected = embedder.count_tokens("cat")
        (old / "tokenizer.json").rename(old / "away")
        (old / "away").write_text(unigram_json(normalizer={"type": "Lowercase"}), "utf-8")
        (old / "away").replace(old / "tokenizer.json")
        with pytest.raises(ArtifactError, match=STALE):
            embedder.count_tokens("cat <mask>")
        assert embedder.count_tokens("cat") == expected


@pytest.mark.parametrize("replacement", [swap_folders, rename_files])
def test_what_changes_while_it_is_loaded_is_refused(
    old: Path, new: Path, replacement: Replacement, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashed, then replaced before onnxruntime reads it."""

    def late(artifact: Artifact, **options: Any) -> Session:  # noqa: ANN401 - keywords of many types
        replacement(old, new)
        return open_session(artifact, **options)

    monkeypatch.setattr(model, "open_session", late)
    with pytest.raises(ArtifactError, match=rf"{STALE}|was changed after the export"):
        Embedder.load(old, threads=1)


def test_what_is_gone_while_it_is_hashed_is_told(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever fails for it: a folder that another takes the place of is missing for a moment."""
    gone = threading.Event()

    def late(artifact: Artifact, **options: Any) -> Session:  # noqa: ANN401 - keywords of many types
        old.rename(old.with_name("away"))
        gone.set()
        return open_session(artifact, **options)

    def hash_late(artifact: Artifact, only: str | None = None) -> None:
        assert only is not None or gone.wait(PATIENCE)
        check_hashes(artifact, only)

    monkeypatch.setattr(model, "open_session", late)
    monkeypatch.setattr(model, "check_hashes", hash_late)
    with pytest.raises(ArtifactError, match=STALE):
        Embedder.load(old, threads=1)


def test_another_artifact_is_not_loaded_for_the_same(old: Path, new: Path) -> None:
    """Who knows which one is wanted says so."""
    with Embedder.load(old, threads=1) as embedder:
        wanted = embedder.fingerprint
    assert wanted == find_fingerprint(old) == open_artifact(old).fingerprint
    Embedder.load(old, threads=1, fingerprint=wanted).close()
    expected = rf"new holds the artifact with fingerprint \w{{12}}\.\.\., expected {wanted[:12]}\.\.\.: it was replaced"
    with pytest.raises(ArtifactError, match=expected):
        Embedder.load(new, threads=1, fingerprint=wanted)


def test_workers_load_what_their_parent_loaded(old: Path, new: Path) -> None:
    """They start later, and refuse anything else, also what hides behind the right manifest."""
    with Embedder.load(old, threads=1) as embedder:
        session = LoadOptions(str(old), threads=1, fingerprint=embedder.fingerprint)
    (new / "model.onnx.data").replace(old / "model.onnx.data")
    with pytest.raises(ArtifactError, match=r"model\.onnx\.data was changed after the export"):
        list(encode_in_processes(parts(), session, EncodeOptions(), workers=2))
    (new / "manifest.json").replace(old / "manifest.json")
    with pytest.raises(ArtifactError, match="holds the artifact with fingerprint"):
        list(encode_in_processes(parts(), session, EncodeOptions(), workers=2))


def test_options_are_pinned_to_what_is_there(old: Path, new: Path) -> None:
    """As those are that travel to other machines; where there is nothing, there is nothing to pin."""
    pinned = LoadOptions(str(old), threads=1).pinned()
    assert pinned.pinned() is not pinned
    assert pinned.pinned() == pinned
    swap_folders(old, new)
    with pytest.raises(ArtifactError, match="holds the artifact with fingerprint"):
        pinned.embedder()
    for path in (old.with_name("none"), old.parent, old / "NOTICE"):
        assert LoadOptions(str(path)).pinned().fingerprint is None


def test_use_and_replacement_at_once(old: Path, new: Path) -> None:
    """Whoever asks, whenever: the vectors of the artifact that was loaded."""
    expected = vectors(old)
    found: list[NDArray[np.generic]] = []
    with Embedder.load(old, threads=2) as embedder:

        def ask() -> None:
            found.extend(embedder.encode(TEXTS) for _ in range(20))

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        rename_files(old, new)
        for thread in threads:
            thread.join()
    assert len(found) == 60
    assert all(np.array_equal(some, expected) for some in found)


def test_the_home_folder(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tilde that no shell has expanded; a folder of that name wins, and users that don't exist have no home."""
    monkeypatch.setenv("HOME", str(old.parent))
    assert open_artifact("~/model").path == old
    monkeypatch.chdir(old.parent)
    shutil.copytree(old, "~/model")
    assert open_artifact("~/model").path == old.parent / "~" / "model"
    with pytest.raises(ArtifactError, match="~nobody-of-that-name/model does not exist"):
        open_artifact("~nobody-of-that-name/model")
