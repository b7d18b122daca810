"""Pairs of texts, embedded in Python and in bulk."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.artifact.pairing import PairFrame
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import ArtifactError, InputError, TruncationWarning
from unit.runtime.command import Biolord
from unit.runtime.compiled_artifact import compiled_manifest, write_compiled_artifact
from unit.runtime.tiny_artifact import MAX_LENGTH, VOCABULARY, tiny_manifest, write_manifest

FRAME = PairFrame(prefix=(0,), middle=(2, 2), suffix=(2,), token_types=False)
PAIRS = [("cat", "bite of the dog"), ("", "fever"), ("cat", "bite of the dog"), ("bite of the dog", "cat"), ("", "")]
LONG = "cat " * MAX_LENGTH


@pytest.fixture(scope="module")
def paired(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an artifact that takes pairs."""
    folder = write_compiled_artifact(tmp_path_factory.mktemp("paired") / "tiny")
    write_manifest(folder, replace(compiled_manifest(), pairs=FRAME))
    return folder


@pytest.fixture(scope="module")
def loaded(paired: Path) -> Iterator[Embedder]:
    """Give an embedder of it."""
    with Embedder.load(paired, threads=2) as embedder:
        yield embedder


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Give a table of the pairs."""
    path = tmp_path / "articles.jsonl"
    rows = [{"pmid": number, "title": one, "abstract": other} for number, (one, other) in enumerate(PAIRS)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_pair_is_one_row_of_tokens(loaded: Embedder) -> None:
    """Special tokens before, between and behind the two; equal pairs are computed once and the order counts."""
    model = loaded._open("encode")
    info = loaded.encode_with_info(PAIRS)
    for (one, other), vector, count in zip(PAIRS, info.vectors, info.token_counts, strict=True):
        first, second = model.tokenizer.contents([one, other])
        ids = np.array([[0, *first, 2, 2, *second, 2]])
        (expected,) = model.session.run(ids, np.ones_like(ids), "sentence_embedding")
        np.testing.assert_array_equal(vector, expected)
        assert count == ids.size
    np.testing.assert_array_equal(loaded.count_tokens(PAIRS), info.token_counts)
    assert not np.array_equal(info.vectors[0], info.vectors[3])


def test_pairs_over_the_limit_are_cut(loaded: Embedder) -> None:
    """The longer text first; counted and told as of texts, or refused."""
    with pytest.warns(TruncationWarning, match="1 of 2 texts have more than"):
        found = loaded.encode([("fever", LONG), ("cat", "bite")])
    room = MAX_LENGTH - FRAME.special_count - 1
    np.testing.assert_array_equal(found[0], loaded.encode([("fever", "cat " * room)])[0])
    with pytest.raises(InputError, match=r"texts\[0\] has"):
        loaded.encode([("fever", LONG)], overflow="error")


def test_a_prompt_is_in_front_of_the_first_text(loaded: Embedder) -> None:
    """As sentence-transformers puts it."""
    np.testing.assert_array_equal(loaded.encode([("cat", "bite")], prompt="the "), loaded.encode([("the cat", "bite")]))


def test_streams_take_pairs(loaded: Embedder) -> None:
    """Part by part."""
    (found,) = loaded.encode_stream(iter(PAIRS))
    np.testing.assert_array_equal(found, loaded.encode(PAIRS))


def test_windows_of_pairs_are_refused(loaded: Embedder) -> None:
    """Where one would begin is not defined."""
    with pytest.raises(InputError, match="overflow is 'window', which cuts a text into windows, but these are pairs"):
        loaded.encode(PAIRS, overflow="window")


def test_an_artifact_without_a_frame_takes_none(embedder: Embedder) -> None:
    """And says what would."""
    for ask in (embedder.encode, embedder.count_tokens):
        with pytest.raises(InputError, match=r"takes no pairs of texts, .*: export the checkpoint with --pairs"):
            ask(PAIRS)


def test_the_manifest_keeps_the_frame() -> None:
    """And artifacts from before there were pairs have none."""
    text = replace(tiny_manifest(), pairs=FRAME).to_json()
    assert Manifest.from_json(text).pairs == FRAME
    members = json.loads(text)
    del members["pairs"]
    assert Manifest.from_json(json.dumps(members)).pairs is None


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (replace(FRAME, middle=(len(VOCABULARY) + 64,)), "pairs have the special id"),
        (PairFrame((), (), (), token_types=False), "0 special tokens stand around a pair"),
        (replace(FRAME, token_types=True), "expected .*token_type_ids"),
    ],
)
def test_a_frame_that_does_not_fit_is_refused(tmp_path: Path, frame: PairFrame, message: str) -> None:
    """Before anything is embedded."""
    folder = write_compiled_artifact(tmp_path / "tiny")
    write_manifest(folder, replace(compiled_manifest(), pairs=frame))
    with pytest.raises(ArtifactError, match=message):
        Embedder.load(folder)


@pytest.mark.parametrize(("ending", "workers"), [("npy", 1), ("npy", 2), ("jsonl", 1), ("parquet", 1)])
def test_pairs_of_a_table(
    biolord: Biolord, paired: Path, loaded: Embedder, table: Path, tmp_path: Path, ending: str, workers: int
) -> None:
    """Two of its columns; the second stands beside the first where texts are written."""
    out = tmp_path / f"out.{ending}"
    columns = ("--column", "title", "--text-pair", "abstract", "--empty", "embed")
    outcome = biolord("embed", paired, "--input", table, *columns, "--output", out, "--workers", workers)
    assert outcome.code == 0, outcome.err
    expected = loaded.encode(PAIRS)
    if ending == "npy":
        np.testing.assert_array_equal(np.load(out), expected)
    elif ending == "jsonl":
        found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
        assert [(row["text"], row["text_pair"]) for row in found] == PAIRS
        np.testing.assert_array_equal(np.array([row["embedding"] for row in found], np.float32), expected)
    else:
        read = parquet.read_table(out)
        assert read.column_names == ["text", "text_pair", "embedding"]
        assert list(zip(read["text"].to_pylist(), read["text_pair"].to_pylist(), strict=True)) == PAIRS


def test_pairs_on_standard_output(biolord: Biolord, paired: Path, table: Path) -> None:
    """Refused where nothing is read, or there is no such column."""
    outcome = biolord(
        "embed", paired, "--input", table, "--column", "title", "--text-pair", "abstract", "--empty", "embed"
    )
    assert [json.loads(line)["text_pair"] for line in outcome.out.splitlines()] == [other for _, other in PAIRS]
    outcome = biolord("embed", paired, "cat", "--text-pair", "abstract")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "--text-pair is given without --input" in outcome.err
    outcome = biolord("embed", paired, "--input", table, "--column", "title", "--text-pair", "x", "--empty", "embed")
    assert outcome.code == 2
    assert "has no column 'x'" in outcome.err


def test_pairs_that_an_artifact_does_not_take(biolord: Biolord, tiny: Path, table: Path, tmp_path: Path) -> None:
    """One line, exit 2, no file; told before anything is computed."""
    out = tmp_path / "out.npy"
    columns = ("--column", "title", "--text-pair", "abstract", "--empty", "embed")
    outcome = biolord("embed", tiny, "--input", table, *columns, "--output", out)
    assert (outcome.code, out.exists()) == (2, False)
    assert "takes no pairs of texts" in outcome.err
