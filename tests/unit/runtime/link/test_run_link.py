"""Runs that link files, interrupted ones above all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.bulk.gathering import BulkOptions, BulkResult
from biolord_onnx.bulk.source import Source, survey
from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import InputError
from biolord_onnx.index.hits import Hit
from biolord_onnx.index.index import Index
from biolord_onnx.io.rows import Row
from biolord_onnx.link.formats.choosing import FORMATS, find_form
from biolord_onnx.link.found import nothing, pack, unpack
from biolord_onnx.link.links import Sheet
from biolord_onnx.link.mapping_sets import MappingSet, Prefix
from biolord_onnx.link.plan import Plan, Wanted
from biolord_onnx.link.run import link_to_file, link_to_stream
from biolord_onnx.loading import LoadOptions
from unit.runtime.tiny_artifact import MAX_LENGTH

# Repeated near and far; one equal to a name; some cut.
TERMS = [f"cat {number % 30}" if number % 7 else "CAT  bite" for number in range(90)] + ["dog " * MAX_LENGTH]
SET = MappingSet("https://example.org/1", objects=(Prefix("OMOP", "https://example.org/"),))
OUTPUTS = ["o.csv", "o.jsonl", "o.parquet", "o.usagi.csv", "o.sssom.tsv"]


def source(*, fails_at: int | None = None) -> Source:
    """Give the terms, whose reading may fail once."""
    rows = [Row(term) for term in TERMS]
    found = survey("terms", lambda: iter(rows))
    failures = iter([True])

    def read() -> Iterator[Row]:
        for number, row in enumerate(rows):
            if number == fails_at and next(failures, False):
                raise OSError("the drive is gone")
            yield row

    return replace(found, open=read)


class Linking:
    """Runs to one index, with parts of 16 terms."""

    def __init__(self, index: Index, embedder: Embedder, artifact: Path) -> None:
        self.index = index
        self.embedder = embedder
        self.session = LoadOptions(str(artifact))
        self.told: list[str] = []
        self.plan = self.planned("o.csv")

    def planned(self, name: str, top: int = 3, min_score: float | None = None) -> Plan:
        """Make a plan for a file."""
        sheet = Sheet("term", mapping_set=SET, columns=self.index.columns)
        return Plan(Wanted(top, min_score, {}, top), sheet, FORMATS[find_form(name)])

    def __call__(self, terms: Source, output: Path, *, top: int = 3, workers: int = 1) -> BulkResult:
        """Run."""
        bulk = BulkOptions(workers, notify=self.told.append, part_rows=16)
        self.plan = self.planned(output.name, top)
        return link_to_file(
            terms, str(output), self.index, self.embedder, session=self.session, plan=self.plan, bulk=bulk
        )


@pytest.fixture
def linking(index: Index, embedder: Embedder, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Linking:
    """Give something to run."""
    monkeypatch.setattr("biolord_onnx.bulk.source.BLOCK_ROWS", 2)
    return Linking(index, embedder, tiny)


def test_candidates_become_numbers_and_come_back(index: Index) -> None:
    """Row, score and whether a name is the term; fewer than there is room for, and none."""
    terms = ["Cat  bite", "dog", "fever heart"]
    hits = index.search(terms, top=3)
    assert [hit.exact for hit in hits[0]] == [True, False, False]
    hits[1] = hits[1][:1]
    found = pack([*hits, []], 3)
    assert (found.shape, found.dtype) == ((4, 6), np.dtype(np.int32))
    assert [unpack(row, index, term) for row, term in zip(found, [*terms, "x"], strict=True)] == [*hits, []]
    assert nothing(3).shape == (0, 6)


@pytest.mark.parametrize("name", OUTPUTS)
def test_an_interrupted_run_goes_on(linking: Linking, tmp_path: Path, name: str) -> None:
    """Twice; the bytes are those of a run that nothing interrupted, and of one that writes as it goes."""
    for fails_at, done in ((40, 32), (80, 64)):
        with pytest.raises(OSError, match="the drive is gone"):
            linking(source(fails_at=fails_at), tmp_path / name)
        assert linking.told[-1] == f"{tmp_path / name}: {done} of 91 rows are done: the same command goes on from there"
    result = linking(source(), tmp_path / name)
    assert (result.rows, result.resumed, result.truncated) == (91, 64, 1)
    assert linking.plan.linked == 91
    linking(source(), tmp_path / f"whole-{name}")
    content = (tmp_path / name).read_bytes()
    assert content == (tmp_path / f"whole-{name}").read_bytes()
    stream = BytesIO()
    cuts = link_to_stream(source(), stream, linking.index, linking.embedder, plan=linking.planned(name), progress=False)
    assert (stream.getvalue(), cuts) == (content, 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name, f"whole-{name}"]


def test_other_processes_embed_the_same(linking: Linking, tmp_path: Path, tiny: Path) -> None:
    """The bytes don't tell."""
    linking(source(), tmp_path / "o.csv")
    with Embedder.load(tiny, threads=1) as embedder:
        linking.embedder = embedder
        linking(source(), tmp_path / "p.csv", workers=2)
    assert (tmp_path / "o.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()


def test_another_run_does_not_take_over(linking: Linking, tmp_path: Path, embedder: Embedder) -> None:
    """Of another index, or of other options."""
    with pytest.raises(OSError, match="gone"):
        linking(source(fails_at=50), tmp_path / "o.csv")
    with pytest.raises(InputError, match="its candidates was 3, and is 4 now"):
        linking(source(), tmp_path / "o.csv", top=4)
    first = linking.index
    linking.index = Index.build(embedder, ["cat", "dog", "fever"], tmp_path / "other.index")
    with pytest.raises(InputError, match=r"its index was one with SHA-256 \w+, and is one with SHA-256"):
        linking(source(), tmp_path / "o.csv")
    linking.index = first
    assert linking(source(), tmp_path / "o.csv").resumed == 32


def test_scores_below_the_least_are_no_match(linking: Linking) -> None:
    """But names that equal the term are, and a score that is shown as high as the least."""
    hits = linking.index.search(["cat 1", "cat bite"], top=2)
    shown = float(str(np.float32(hits[0][0].score)))
    for least, expected in ((shown, [1, 2]), (np.nextafter(np.float32(shown), np.float32(2)).item(), [0, 2])):
        seen: list[int] = []
        plan = linking.planned("o.jsonl", 2, least)
        plan._watch = lambda row, hits: seen.append(len(hits))  # noqa: ARG005, B023 - called at once
        rows = [Row("cat 1"), Row("cat bite")]
        stream = BytesIO()
        plan.write(stream, zip(rows, hits, strict=True))
        lines = stream.getvalue().decode().splitlines()
        assert [line.count('"code"') > 0 for line in lines] == [count > 0 for count in expected]
        assert (plan.linked, seen) == (sum(map(bool, expected)), [2, 2])


def test_blank_terms_have_no_candidates(index: Index, embedder: Embedder) -> None:
    """Whatever is near an empty text."""
    texts = ["", "cat", " \u200b"]
    found = Wanted(2, None, {}, 2).search(index, texts, embedder.encode(texts, normalize=True))
    assert [len(hits) for hits in found] == [0, 2, 0]
    assert Wanted(2, None, {}, 2).search(index, texts[::2], np.zeros((2, embedder.dim), np.float32)) == [[], []]


def test_filters_and_their_names(index: Index, embedder: Embedder) -> None:
    """Rows of other values are no candidates; and the same filter has the same name, however it is given."""
    wanted = Wanted(2, None, {"domain_id": ["dog", "heart"]}, 3)
    (hits,) = wanted.search(index, ["cat bite"], embedder.encode(["cat bite"], normalize=True))
    assert {hit.kept["domain_id"] for hit in hits} <= {"dog", "heart"}
    assert wanted.identity() == Wanted(9, 0.5, {"domain_id": ["heart", "dog"]}, 3).identity()
    assert wanted.identity() != Wanted(2, None, {"domain_id": "dog"}, 3).identity()


def test_index_link(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """What search gives, for any number of terms, each looked for once; nothing where nothing is near enough."""
    monkeypatch.setattr("biolord_onnx.index.index.LINK_TERMS", 4)
    sizes: list[int] = []
    search = Index.search

    def counted(self: Index, queries: list[str], **options: object) -> list[list[Hit]]:
        sizes.append(len(queries))
        return search(self, queries, **options)  # type: ignore[arg-type]

    terms = [*TERMS[:20], "heart"]
    expected = index.search(terms, top=2, min_score=0.9)
    monkeypatch.setattr(Index, "search", counted)
    assert index.link(terms, top=2, min_score=0.9) == expected
    assert sum(sizes) == len(set(terms))
    assert max(sizes) == 4
    assert [] in expected
