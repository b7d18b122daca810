"""The Embedder, on the tiny artifact. Its laws stand in tests/property, awkward texts in tests/hostile."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import MaxLength
from biolord_onnx.artifact.ranges import RANGES_NAME, Ranges, ranges_to_json
from biolord_onnx.embedder import Embedder
from biolord_onnx.encoding import model
from biolord_onnx.encoding.precision import Precision
from biolord_onnx.errors import ArtifactError, BiolordError, InputError, ProviderError, TruncationWarning
from unit.runtime.tiny_artifact import (
    DIM,
    MAX_LENGTH,
    flip,
    tiny_manifest,
    tiny_table,
    tiny_tokenizer,
    write_manifest,
    write_tiny_artifact,
)

LONG = "cat " * MAX_LENGTH


def reference(text: str) -> NDArray[np.float64]:
    """Compute a text's vector without the runtime."""
    ids = tiny_tokenizer().encode(text).ids
    ids = ids if len(ids) <= MAX_LENGTH else [*ids[: MAX_LENGTH - 1], ids[-1]]
    vector: NDArray[np.float64] = tiny_table()[ids].astype(np.float64).mean(axis=0)
    return vector


def test_vectors_are_the_reference(embedder: Embedder) -> None:
    """Texts of several lengths come back in their order."""
    texts = ["cat scratch", "", "dog bite of the cat", "fever", "cat scratch", "Carditis 3!"]
    vectors = embedder.encode(texts)
    assert vectors.shape == (6, DIM)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [reference(text) for text in texts], rtol=1e-5, atol=1e-6)


def test_a_string_gives_one_vector(embedder: Embedder) -> None:
    """A single string gives a 1-D array, bit-equal to its row in a list."""
    vector = embedder.encode("cat scratch")
    assert vector.shape == (DIM,)
    np.testing.assert_array_equal(vector, embedder.encode(["dog", "cat scratch"])[1])


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    """An empty list gives a [0, dim] array, with its other facts empty, too."""
    info = embedder.encode_with_info([])
    assert info.vectors.shape == (0, DIM)
    assert info.vectors.dtype == np.float32
    assert (info.token_counts.shape, info.truncated.shape) == ((0,), (0,))


def test_properties(tiny: Path) -> None:
    """What the embedder says of itself is what it loaded."""
    with Embedder.load(str(tiny), threads=3) as embedder:
        assert (embedder.dim, embedder.max_length) == (DIM, MAX_LENGTH)
        assert (embedder.provider, embedder.threads) == ("cpu", 3)
        assert embedder.manifest.name == "tiny-cpu-fp32"
        assert repr(embedder) == "<Embedder tiny-cpu-fp32 dim=8 provider=cpu threads=3>"


@pytest.mark.parametrize("options", [{"threads": 1}, {"threads": 2}, {"provider": "cpu"}, {"verify_hashes": False}])
def test_how_it_runs_changes_no_vector(tiny: Path, embedder: Embedder, options: dict[str, Any]) -> None:
    """Threads are bit-equal."""
    texts = ["cat scratch", "dog", ""]
    with Embedder.load(tiny, **options) as other:
        np.testing.assert_array_equal(other.encode(texts), embedder.encode(texts))


# --- loading ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.onnx", "model.onnx.data", "tokenizer.json", "NOTICE"])
def test_an_altered_file_is_found(tiny_copy: Path, name: str) -> None:
    """Whichever it is, and no thread is left."""
    flip(tiny_copy / name, -1)
    before = threading.active_count()
    with pytest.raises(ArtifactError, match=rf"{name} was changed after the export"):
        Embedder.load(tiny_copy)
    assert threading.active_count() == before


def test_the_graph_is_read_after_its_hash_alone(tiny_copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An altered one never gets as far as onnxruntime."""
    opened: list[Artifact] = []
    monkeypatch.setattr(model, "open_session", lambda artifact, **_: opened.append(artifact))
    flip(tiny_copy / "model.onnx", -1)
    with pytest.raises(ArtifactError, match=r"model.onnx was changed after the export"):
        Embedder.load(tiny_copy)
    assert not opened


def test_an_altered_file_is_told_before_what_comes_of_it(tiny_copy: Path) -> None:
    """Weights that are another file's may be why onnxruntime refuses: both are in the traceback, the cause on top."""
    flip(tiny_copy / "model.onnx.data", 0)
    with pytest.raises(ArtifactError, match=r"model.onnx.data was changed after the export") as caught:
        Embedder.load(tiny_copy, provider="openvino")
    assert isinstance(caught.value.__context__, ProviderError)


def test_without_hashes_the_tokenizer_is_loaded_all_the_same(tiny_copy: Path) -> None:
    """The caller vouches for the files; an error of theirs is the caller's to see."""
    (tiny_copy / "tokenizer.json").write_bytes(bytes((tiny_copy / "tokenizer.json").stat().st_size))
    with pytest.raises(ArtifactError, match=r"tokenizer.json is not a tokenizer"):
        Embedder.load(tiny_copy, verify_hashes=False)


# --- normalizing --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{"normalize": True}, {"normalize_embeddings": True}])
def test_unit_vectors(embedder: Embedder, options: dict[str, Any]) -> None:
    """Both keywords give vectors of unit length in the same direction."""
    vectors = embedder.encode(["cat", "dog bite"], **options)
    raw = embedder.encode(["cat", "dog bite"])
    np.testing.assert_allclose(vectors, raw / np.linalg.norm(raw, axis=1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("options", [{}, {"normalize": False}, {"normalize_embeddings": False}])
def test_raw_vectors(embedder: Embedder, options: dict[str, Any]) -> None:
    """A checkpoint without a Normalize module gives raw vectors unless asked otherwise."""
    np.testing.assert_allclose(embedder.encode("dog bite", **options), reference("dog bite"), rtol=1e-5)


def test_a_normalized_checkpoint_has_no_raw_vectors(tmp_path: Path) -> None:
    """normalize=False is refused there, normalize_embeddings=False means the checkpoint's own."""
    folder = write_tiny_artifact(tmp_path / "tiny", replace(tiny_manifest(), normalized=True))
    with Embedder.load(folder) as embedder:
        with pytest.raises(InputError, match="ends in a Normalize module"):
            embedder.encode("cat", normalize=False)
        assert embedder.encode("cat", normalize_embeddings=False).shape == (DIM,)


# --- sentence-transformers' keywords ------------------------------------------------------------------------


def test_a_list_of_vectors(embedder: Embedder) -> None:
    """convert_to_numpy=False gives a list of vectors, a single string still one vector."""
    vectors = embedder.encode(["cat", "dog"], convert_to_numpy=False)
    assert isinstance(vectors, list)
    np.testing.assert_array_equal(vectors, embedder.encode(["cat", "dog"]))
    vector = embedder.encode("cat", convert_to_numpy=False)
    assert isinstance(vector, np.ndarray)


def test_tensors_are_refused(embedder: Embedder) -> None:
    """There is no torch here, and the message says how to get a tensor."""
    with pytest.raises(InputError, match=r"use torch\.from_numpy\(embedder\.encode\(texts\)\)"):
        embedder.encode("cat", convert_to_tensor=True)


@pytest.mark.parametrize("batch_size", [1, 2, 1000])
def test_batch_size_changes_no_vector(embedder: Embedder, batch_size: int) -> None:
    """batch_size is accepted and harmless."""
    texts = ["cat", "dog", "fever", "heart bite"]
    np.testing.assert_array_equal(embedder.encode(texts, batch_size=batch_size), embedder.encode(texts))


def test_a_progress_bar_counts_texts(embedder: Embedder, capsys: pytest.CaptureFixture[str]) -> None:
    """The bar stands on stderr and counts different texts."""
    embedder.encode(["cat", "dog", "cat"], show_progress_bar=True)
    captured = capsys.readouterr()
    assert "2/2" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("shown", [False, None])
def test_no_progress_bar(
    embedder: Embedder,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    shown: bool | None,
) -> None:
    """Without one nothing is printed and tqdm isn't needed."""
    monkeypatch.setitem(sys.modules, "tqdm", None)
    embedder.encode(["cat"], show_progress_bar=shown)
    assert capsys.readouterr() == ("", "")


def test_an_unknown_keyword_is_a_type_error(embedder: Embedder) -> None:
    """A misspelled keyword isn't swallowed."""
    encode: Any = embedder.encode
    with pytest.raises(TypeError, match="normalizes"):
        encode("cat", normalizes=True)


# --- precision ----------------------------------------------------------------------------------------------


def test_half_precision_is_a_rounding(embedder: Embedder) -> None:
    """float16 is the float32 vector, rounded, for repeated texts, too."""
    texts = ["cat", "dog bite", "cat"]
    halves = embedder.encode(texts, precision="float16")
    assert halves.dtype == np.float16
    np.testing.assert_array_equal(halves, embedder.encode(texts).astype(np.float16))


@pytest.mark.parametrize("precision", ["int8", "uint8"])
def test_8_bits_need_the_artifacts_ranges(embedder: Embedder, precision: Precision) -> None:
    """Without them they would be guessed from the texts, and a vector depend on its neighbors."""
    with pytest.raises(InputError, match=f"precision is '{precision}', but the artifact holds no ranges"):
        embedder.encode("cat", precision=precision)


@pytest.mark.parametrize(("normalize", "output"), [(None, "sentence_embedding"), (True, "unit_embedding")])
def test_8_bits_are_cut_from_the_ranges_of_their_output(tmp_path: Path, normalize: bool | None, output: str) -> None:
    """Raw and unit vectors have ranges of their own."""
    folder = write_tiny_artifact(tmp_path / "artifact")
    ends = {"sentence_embedding": (-2.0, 2.0), "unit_embedding": (-1.0, 1.0)}
    content = ranges_to_json({name: Ranges((low,) * DIM, (high,) * DIM) for name, (low, high) in ends.items()})
    (folder / RANGES_NAME).write_text(content, encoding="utf-8")
    write_manifest(folder, tiny_manifest())
    low, high = ends[output]
    with Embedder.load(folder) as embedder:
        exact = embedder.encode(["cat", "dog bite"], normalize=normalize)
        found = embedder.encode(["cat", "dog bite"], normalize=normalize, precision="uint8")
        signed = embedder.encode("dog bite", normalize=normalize, precision="int8")
    step = (high - low) / 255
    assert found.dtype == np.uint8
    np.testing.assert_allclose(found * step + low + step / 2, np.clip(exact, low, high), atol=step)
    np.testing.assert_array_equal(signed, found[1].astype(np.int16) - 128)


def test_binary_vectors_are_signs(embedder: Embedder) -> None:
    """Eight dimensions a number, a single string included."""
    texts = ["cat", "dog bite", "cat"]
    found = embedder.encode(texts, precision="ubinary")
    assert (found.dtype, found.shape) == (np.dtype(np.uint8), (3, 1))
    np.testing.assert_array_equal(np.unpackbits(found.astype(np.uint8), axis=1), embedder.encode(texts) > 0)
    np.testing.assert_array_equal(embedder.encode("cat", precision="binary"), found[0].astype(np.int16) - 128)
    assert embedder.encode([], precision="binary").shape == (0, 1)


# --- long texts ---------------------------------------------------------------------------------------------


def test_long_texts_are_cut_with_one_warning(embedder: Embedder) -> None:
    """Every cut text counts, repeated ones too, and the limit is named; the caller's line is blamed."""
    with pytest.warns(TruncationWarning) as caught:
        vectors = embedder.encode([LONG, "cat", LONG, LONG + "dog"])
    assert [str(warning.message) for warning in caught] == ["3 of 4 texts have more than 16 tokens and were cut"]
    assert caught[0].filename == __file__
    np.testing.assert_allclose(vectors[2], reference(LONG), rtol=1e-5)


def test_facts_instead_of_a_warning(embedder: Embedder) -> None:
    """encode_with_info tells full counts and flags, and doesn't warn (warnings are errors here)."""
    info = embedder.encode_with_info([LONG, "cat", LONG])
    np.testing.assert_array_equal(info.token_counts, [MAX_LENGTH + 2, 3, MAX_LENGTH + 2])
    np.testing.assert_array_equal(info.truncated, [True, False, True])
    assert info.token_counts.dtype == np.int32
    assert info.truncated.dtype == np.bool_


def test_facts_of_a_single_string(embedder: Embedder) -> None:
    """A single string gives arrays of one dimension less."""
    info = embedder.encode_with_info(LONG)
    assert (info.vectors.shape, info.token_counts.shape, info.truncated.shape) == ((DIM,), (), ())
    assert (int(info.token_counts), bool(info.truncated)) == (MAX_LENGTH + 2, True)


def test_a_text_of_just_the_limit_is_whole(embedder: Embedder) -> None:
    """The limit includes special tokens, and reaching it is no truncation."""
    info = embedder.encode_with_info(["cat " * (MAX_LENGTH - 2), "cat " * (MAX_LENGTH - 1)])
    np.testing.assert_array_equal(info.truncated, [False, True])


def test_long_texts_can_be_refused(embedder: Embedder) -> None:
    """overflow="error" names the first one, its length and the limit."""
    with pytest.raises(InputError) as raised:
        embedder.encode(["cat", LONG, "dog", LONG + "dog"], overflow="error")
    assert str(raised.value) == (
        "texts[1] has 18 tokens, the limit is 16 (2 of 4 texts are longer): shorten them, or choose "
        "overflow 'truncate' or 'window'"
    )
    assert embedder.encode(["cat"], overflow="error").shape == (1, DIM)


def test_windows_are_averaged(embedder: Embedder) -> None:
    """Two windows of full length cover 20 words; the special tokens stand around each; nothing counts as cut."""
    words = ["cat", "dog", "fever", "heart"] * 5
    info = embedder.encode_with_info(["bite", " ".join(words), "cat"], overflow="window")
    ids = [tiny_tokenizer().encode(" ".join(part)).ids for part in (words[:14], words[6:])]
    assert [len(some) for some in ids] == [MAX_LENGTH, MAX_LENGTH]
    expected = np.mean([tiny_table()[some].astype(np.float64).mean(axis=0) for some in ids], axis=0)
    np.testing.assert_allclose(info.vectors[1], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(info.token_counts, [3, 22, 3])
    assert not info.truncated.any()
    np.testing.assert_array_equal(info.vectors[::2], embedder.encode(["bite", "cat"]))


def test_unit_windows_have_a_unit_average(embedder: Embedder) -> None:
    """An average of unit vectors is shorter than they are."""
    text = "cat dog fever heart " * 9
    found = embedder.encode(text, overflow="window", normalize=True)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


def test_windows_do_not_depend_on_their_neighbors(embedder: Embedder) -> None:
    """Alone or among others, in any order: bit-equal, and without a warning."""
    texts = [f"{word} " * count for word in ("cat", "dog", "fever") for count in (3, 14, 15, 16, 40, 100)]
    alone = np.stack([embedder.encode(text, overflow="window") for text in texts])
    np.testing.assert_array_equal(embedder.encode(texts, overflow="window"), alone)
    np.testing.assert_array_equal(embedder.encode(texts[::-1], overflow="window", batch_size=2), alone[::-1])


# --- streams ------------------------------------------------------------------------------------------------


def test_a_stream_gives_the_same_vectors_part_by_part(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, the last part shorter, repeated texts in several parts alike."""
    monkeypatch.setattr("biolord_onnx.embedder.STREAM_TEXTS", 3)
    texts = ["cat", "dog bite", "fever", "cat", "heart", "", "injury of the cat"]
    parts = list(embedder.encode_stream(iter(texts), normalize=True))
    assert [len(part) for part in parts] == [3, 3, 1]
    np.testing.assert_array_equal(np.concatenate(parts), embedder.encode(texts, normalize=True))


def test_a_stream_is_drawn_as_it_is_needed(embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have no end."""
    monkeypatch.setattr("biolord_onnx.embedder.STREAM_TEXTS", 4)
    drawn = count()
    parts = embedder.encode_stream(f"cat {number}" for number in drawn)
    assert next(parts).shape == (4, DIM)
    assert next(parts).shape == (4, DIM)
    assert next(drawn) == 8


def test_an_empty_stream(embedder: Embedder) -> None:
    """Has no part."""
    assert list(embedder.encode_stream([])) == []


def test_a_string_is_no_stream(embedder: Embedder) -> None:
    """Its letters would be taken for texts."""
    with pytest.raises(TypeError, match="texts is str, expected an iterable of str"):
        next(embedder.encode_stream("cat"))
    with pytest.raises(TypeError, match="texts is NoneType, expected an iterable of str"):
        next(embedder.encode_stream(None))  # type: ignore[arg-type]


def test_a_stream_of_something_else(embedder: Embedder) -> None:
    """The position is that in its part."""
    with pytest.raises(TypeError, match=r"texts\[1\] is int, expected str"):
        next(embedder.encode_stream(["cat", 3]))  # type: ignore[list-item]


# --- counting -----------------------------------------------------------------------------------------------


def test_counting_tokens(embedder: Embedder) -> None:
    """A string gives a number, texts an array; special tokens count, the limit doesn't."""
    assert embedder.count_tokens("cat dog") == 4
    assert type(embedder.count_tokens("cat dog")) is int
    counts = embedder.count_tokens(["", "cat", LONG])
    np.testing.assert_array_equal(counts, [2, 3, MAX_LENGTH + 2])
    assert isinstance(counts, np.ndarray)
    assert counts.dtype == np.int32
    none = embedder.count_tokens([])
    assert isinstance(none, np.ndarray)
    assert none.shape == (0,)
    assert none.dtype == np.int32


# --- life ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", [lambda e: e.encode("cat"), lambda e: e.count_tokens([]), lambda e: e.encode([])])
def test_a_closed_embedder_says_so(tiny: Path, use: Callable[[Embedder], object]) -> None:
    """After the with block nothing is encoded; the facts stay."""
    with Embedder.load(tiny) as embedder:
        use(embedder)
    with pytest.raises(BiolordError, match="this Embedder is closed: load it again"):
        use(embedder)
    embedder.close()
    assert embedder.dim == DIM


def test_threads_share_an_embedder(embedder: Embedder) -> None:
    """Eight threads at once get the vectors that one gets."""
    jobs = [[f"cat {a} bite {b}" for b in range(a, a + 50)] for a in range(40)]
    expected = [embedder.encode(job) for job in jobs]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(embedder.encode, jobs))
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        (2, "adds 2 special tokens to every text, expected 1 or more and fewer than max_length, 2"),
        (1, "max_length, 1"),
    ],
)
def test_a_limit_without_room_is_refused(tmp_path: Path, limit: int, message: str) -> None:
    """An artifact whose limit leaves no room for text is refused at loading."""
    manifest = replace(tiny_manifest(), max_length=MaxLength(limit, "config.json"))
    folder = write_tiny_artifact(tmp_path / "tiny", manifest)
    with pytest.raises(ArtifactError, match=message):
        Embedder.load(folder)


def test_a_tokenizer_without_special_tokens_is_refused(tiny_copy: Path) -> None:
    """Without them an empty text would have no tokens, hence no vector."""
    tokenizer = tiny_tokenizer()
    tokenizer.post_processor = None
    tokenizer.save(str(tiny_copy / "tokenizer.json"))
    write_manifest(tiny_copy, tiny_manifest())
    with pytest.raises(ArtifactError, match="adds 0 special tokens to every text, expected 1 or more"):
        Embedder.load(tiny_copy)
