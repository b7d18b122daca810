"""Building an index, and what a search gives."""

from __future__ import annotations

import copy
import hashlib
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biolord_onnx import ArtifactError, Embedder, Index, InputError
from biolord_onnx.index import ranking
from biolord_onnx.index.building.options import BuildOptions
from biolord_onnx.index.building.vocabulary import Name
from biolord_onnx.index.index import TOP
from unit.runtime.index.sources import athena

WORDS = ("cat", "dog", "scratch", "bite", "fever", "heart", "injury")
NAMES = [f"{one} {other}" for one in WORDS for other in WORDS if one != other]


@pytest.fixture(scope="module")
def names(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Give an index of names without codes."""
    return Index.build(embedder, NAMES, tmp_path_factory.mktemp("index") / "names")


@pytest.fixture(scope="module")
def concepts(embedder: Embedder, tmp_path_factory: pytest.TempPathFactory) -> Index:
    """Give an index of concepts with synonyms."""
    folder = tmp_path_factory.mktemp("athena")
    return Index.build(embedder, athena(folder), folder / "concepts")


def test_answers_are_those_of_a_float32_scan(names: Index, embedder: Embedder) -> None:
    """In the same order, with the scores that the stored vectors have."""
    queries = ["cat of the heart", "bite", "the fever itis", *NAMES[:5]]
    vectors = embedder.encode(NAMES, normalize=True)
    wanted = embedder.encode(queries, normalize=True)
    for hits, scores in zip(names.search(queries), wanted @ vectors.T, strict=True):
        nearest = np.sort(-scores)[:TOP]
        np.testing.assert_allclose([-hit.score for hit in hits], nearest, atol=1e-6)
        np.testing.assert_allclose([scores[hit.row] for hit in hits], -nearest, atol=1e-6)
        assert [hit.name for hit in hits] == [NAMES[hit.row] for hit in hits]
        assert {(hit.code, *hit.kept) for hit in hits} == {(None,)}


def test_vectors_are_asked_as_texts_are(names: Index, embedder: Embedder) -> None:
    """Of any length, and without exact names."""
    texts = ["scratch heart", "itis"]
    vectors = 3 * embedder.encode(texts, normalize=False)
    for by_text, by_vector in zip(names.search(texts, top=4), names.search(vectors, top=4), strict=True):
        assert not any(hit.exact for hit in by_vector)
        assert {hit.row for hit in by_text} == {hit.row for hit in by_vector}


@pytest.mark.parametrize("dtype", [np.float64, np.float16, np.dtype(">f4"), np.int8])
def test_vectors_of_other_kinds(names: Index, embedder: Embedder, dtype: np.dtype) -> None:
    """Whatever numbers they are, and however they lie in memory; their lengths don't matter."""
    vectors = (100 * embedder.encode(["cat dog", "bite"], normalize=True)).astype(dtype)
    expected = [[hit.row for hit in some] for some in names.search(np.ascontiguousarray(vectors, np.float32), top=3)]
    for other in (vectors, np.asfortranarray(vectors), np.repeat(vectors, 2, axis=1)[:, ::2]):
        assert [[hit.row for hit in some] for some in names.search(other, top=3)] == expected


@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e-310])
def test_vectors_of_any_length(names: Index, embedder: Embedder, scale: float) -> None:
    """Their squares are infinite, or nothing."""
    vectors = embedder.encode(["cat dog"], normalize=True).astype(np.float64)
    wide: Any = vectors
    assert names.search(wide * scale, top=2)[0][0].row == names.search(wide, top=2)[0][0].row


@pytest.mark.parametrize("dtype", [complex, bool, "S", object])
def test_vectors_that_are_none(names: Index, dtype: str) -> None:
    """Told by what they are."""
    with pytest.raises(InputError, match=r"the query vectors are of type .*, expected float32"):
        names.search(np.ones((1, 8)).astype(dtype))


@pytest.mark.parametrize("top", [2.5, "3", True])
def test_a_top_that_is_no_number(names: Index, top: int) -> None:
    """As threads are."""
    with pytest.raises(TypeError, match=r"top is \w+, expected int"):
        names.search(["cat"], top=top)


def test_filters_and_codes_that_are_no_text(concepts: Index) -> None:
    """Told by name, rather than compared in vain."""
    for values in (5, None, [5]):
        with pytest.raises(TypeError, match="where has something else than str for 'domain_id'"):
            concepts.search(["cat"], where={"domain_id": values})  # type: ignore[dict-item]
    with pytest.raises(TypeError, match="code is int, expected str"):
        concepts.lookup(5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="top is -1, expected 0 or more"):
        concepts.lookup("2", top=-1)


def test_an_index_stays_where_it_is(names: Index) -> None:
    """Pickled, it would take all vectors along."""
    for take in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match=r"call Index.open in the other process"):
            take(names)


def test_a_score_that_no_vectors_have(names: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some file is damaged, then."""
    monkeypatch.setattr(ranking, "score", lambda _, rows, *__: np.full(len(rows), np.nan, np.float32))
    monkeypatch.setattr(ranking, "_equal_rows", lambda *_: np.arange(10))
    with pytest.raises(ArtifactError, match="a cosine is larger than 1, a file is damaged"):
        names.search(["cat"], top=1, min_score=None)


@settings(max_examples=25)
@given(st.lists(st.sampled_from([*NAMES, "cat the dog", "bite of a cat"]), min_size=1, max_size=4), st.integers(1, 12))
def test_an_answer_depends_on_its_query_alone(names: Index, queries: list[str], top: int) -> None:
    """Not on the other queries, nor on how many are wanted."""
    together = names.search(queries, top=top)
    assert together == [names.search([query], top=top)[0] for query in queries]
    assert together == [hits[:top] for hits in names.search(queries, top=20)]


def test_an_exact_name_comes_first_and_says_so(concepts: Index) -> None:
    """Whatever its case and spaces."""
    [hits] = concepts.search(["  DOG   bite "])
    assert (hits[0].code, hits[0].name, hits[0].exact) == ("4", "Dog bite", True)
    assert [hit.exact for hit in hits[1:]] == [False] * 3


def test_a_code_is_one_hit_with_its_best_name(concepts: Index) -> None:
    """All of its names are shown if asked for."""
    [hits] = concepts.search(["felis"])
    assert (hits[0].name, hits[0].code, hits[0].exact) == ("Felis", "2", True)
    assert len(hits) == len({hit.code for hit in hits}) == 4
    [everything] = concepts.search(["felis"], all_names=True)
    assert sorted(hit.name for hit in everything) == ["Bite of the dog", "Cat", "Dog", "Dog bite", "Felis", "Fever"]
    assert [hit.code for hit in everything].count("2") == 2


def test_filters_and_a_smallest_score(concepts: Index) -> None:
    """One value of a column, or several; an exact name counts whatever its score."""
    [animals] = concepts.search(["dog"], where={"domain_id": "Animal"})
    assert [hit.kept for hit in animals] == [{"domain_id": "Animal"}] * 2
    [either] = concepts.search(["dog"], where={"domain_id": ["Animal", "Condition"]})
    assert len(either) == 4
    assert concepts.search(["dog"], where={"domain_id": "Nothing"}) == [[]]
    [only] = concepts.search(["dog"], min_score=0.999)
    assert [hit.name for hit in only] == ["Dog"]
    assert concepts.search(["dog"], where={"domain_id": "Animal"}, min_score=1.0)[0][0].exact


def test_a_code_is_looked_up(concepts: Index, names: Index) -> None:
    """With all its names; an index without codes says so."""
    assert [hit.name for hit in concepts.lookup("2")] == ["Cat", "Felis"]
    assert concepts.lookup("5") == []
    with pytest.raises(InputError, match="has no codes: build it with --code"):
        names.lookup("5")


def test_what_an_index_says_of_itself(concepts: Index, names: Index, embedder: Embedder) -> None:
    """Counts of what is there and what was left out, and vectors for those who take them elsewhere."""
    counts = concepts.manifest.counts
    assert (counts.rows, counts.codes, counts.shared) == (6, 4, 2)
    assert (counts.repeated, counts.foreign, counts.filtered, counts.truncated) == (1, 1, 1, 0)
    assert concepts.manifest.recall.overlap == 1.0
    assert concepts.columns == ("domain_id",)
    assert (names.rows, names.dim, names.columns) == (len(NAMES), embedder.dim, ())
    assert concepts.manifest.artifact.fingerprint == embedder.fingerprint
    np.testing.assert_allclose(names.vectors(2, 9), embedder.encode(NAMES[2:9], normalize=True), atol=1e-7)
    assert [hit.name for hit in concepts.names(4)] == ["Felis", "Bite of the dog"]
    assert "rows=6" in repr(concepts)


def test_the_same_names_give_the_same_index(embedder: Embedder, tmp_path: Path) -> None:
    """Byte by byte; the fingerprint tells."""
    built = [Index.build(embedder, NAMES, tmp_path / name) for name in ("one", "two")]
    assert built[0].fingerprint == built[1].fingerprint
    files = [sorted((tmp_path / name / "data-1").iterdir()) for name in ("one", "two")]
    for one, two in zip(*files, strict=True):
        assert hashlib.sha256(one.read_bytes()).digest() == hashlib.sha256(two.read_bytes()).digest()


def test_an_artifact_is_loaded_by_its_path(tiny: Path, tmp_path: Path) -> None:
    """Names may have codes given with them."""
    index = Index.build(tiny, [Name("cat", "1"), Name("felis", "1"), Name("dog", "2")], tmp_path / "index")
    assert [hit.code for hit in index.search(["felis"])[0]] == ["1", "2"]


def test_without_the_low_bits(embedder: Embedder, tmp_path: Path) -> None:
    """A third of the size; scores are of what is stored."""
    index = Index.build(embedder, NAMES, tmp_path / "index", BuildOptions(rescore=False))
    assert not (tmp_path / "index" / "data-1" / "low").exists()
    [hits] = index.search(["cat of the heart"])
    query = embedder.encode("cat of the heart", normalize=True)
    np.testing.assert_allclose(
        [hit.score for hit in hits], index.vectors()[[hit.row for hit in hits]] @ query, atol=1e-6
    )
    assert 0.8 < index.manifest.recall.overlap <= 1


def test_a_template_is_embedded_in_the_names_place(embedder: Embedder, tmp_path: Path) -> None:
    """Columns that it has are kept; the name alone is what is shown, and found letter by letter."""
    vocabulary = athena(tmp_path, keep=())
    index = Index.build(embedder, vocabulary, tmp_path / "index", BuildOptions(template="{name} of {domain_id}"))
    np.testing.assert_allclose(index.vectors(0, 1), embedder.encode(["Fever of Condition"], normalize=True), atol=1e-7)
    assert index.columns == ("domain_id",)
    [hits] = index.search(["fever"], top=1)
    assert (hits[0].name, hits[0].exact) == ("Fever", True)
    assert hits[0].score < 0.999


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"top": 0}, "top is 0, expected 1 to 6, the rows of the index"),
        ({"top": 7}, "top is 7, expected 1 to 6"),
        (
            {"where": {"vocabulary_id": "x"}},
            "the index keeps no column 'vocabulary_id' to filter by, it keeps: domain_id",
        ),
        ({"min_score": 1.5}, "min_score is 1.5, expected a cosine from -1 to 1"),
        ({"min_score": float("nan")}, "min_score is nan"),
        ({"queries": ["cat", " \u200b"]}, "query 1 is empty"),
        ({"queries": np.full((1, 8), np.nan, np.float32)}, "query vector 0 of 1 holds NaN"),
    ],
)
def test_what_is_asked_wrongly(concepts: Index, asked: dict[str, object], message: str) -> None:
    """Is refused with both values."""
    with pytest.raises(InputError, match=message):
        concepts.search(**{"queries": ["cat"], **asked})  # type: ignore[arg-type]


def test_a_text_is_no_list_of_texts(concepts: Index) -> None:
    """Its letters would be looked for, one by one."""
    with pytest.raises(TypeError, match="queries is str, expected a list of str"):
        concepts.search("cat")
    assert concepts.search([]) == []


def test_texts_need_an_embedder_of_the_same_artifact(names: Index, embedder: Embedder, tiny_copy: Path) -> None:
    """Vectors alone can be asked for without; another artifact is refused with both hashes."""
    path = names._folder.path
    bare = Index.open(path)
    with pytest.raises(InputError, match="opened without an embedder"):
        bare.search(["cat"])
    vector = embedder.encode(["cat"], normalize=True)
    assert bare.search(vector)[0][0].name == names.search(vector)[0][0].name
    manifest = json.loads((tiny_copy / "manifest.json").read_text())
    manifest["license"] = "another"
    (tiny_copy / "manifest.json").write_text(json.dumps(manifest))
    other = Embedder.load(tiny_copy, threads=1)
    with pytest.raises(ArtifactError) as caught:
        Index.open(path, embedder=other)
    for fingerprint in (embedder.fingerprint, other.fingerprint):
        assert f"{fingerprint[:12]}..." in str(caught.value)


def test_long_queries_and_names_are_told(embedder: Embedder, tmp_path: Path) -> None:
    """A query that is cut gives the warning of `encode`; names that are cut are counted."""
    long = "cat " * 40
    index = Index.build(embedder, ["dog", long], tmp_path / "index")
    assert index.manifest.counts.truncated == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        index.search([long])
    assert "tokens and were cut" in str(caught[0].message)


def test_vectors_of_queries_are_one_for_each(names: Index, embedder: Embedder) -> None:
    """Where texts were embedded already, the answers are the same; another number of vectors is refused."""
    queries = ["cat bite", "fever"]
    vectors = embedder.encode(queries, normalize=True)
    assert names.search(queries, vectors=vectors) == names.search(queries)
    with pytest.raises(InputError, match="there are 2 queries and 1 vectors: give one for each"):
        names.search(queries, vectors=vectors[:1])
