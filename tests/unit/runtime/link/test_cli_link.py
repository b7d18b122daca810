"""``biolord link``."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from unit.runtime.command import COMMAND, PATIENCE, Biolord, heeding_signals, unmeasured, wait_for
from unit.runtime.tiny_reranker import write_tiny_reranker

TABLE = "code,term,n,right\nA,Cat  Bite,5,2\nB,the fever,2,90|91\nC,,0,\nD,scratch heart,1,999\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Give a table with an empty row."""
    path = tmp_path / "terms.csv"
    path.write_text(TABLE, "utf-8")
    return path


@pytest.fixture
def linked(index_path: Path, tiny: Path, table: Path) -> list[object]:
    """Give the beginning of a command."""
    return ["link", index_path, "--artifact", tiny, "--input", table, "--column", "term"]


def test_a_table_gets_columns(biolord: Biolord, linked: list[object], tmp_path: Path) -> None:
    """A row for each candidate; terms without one are there, too."""
    output = tmp_path / "o.csv"
    done = biolord(
        *(*linked, "--id-column", "code", "--keep", "n", "--empty", "embed", "--top", 1, "--output", output),
        *("--min-score", 0.999, "--no-match", 0),
    )
    assert (done.code, done.out) == (0, "")
    assert "1 empty row was embedded all the same" in done.err
    assert f"{output}: 2 of 4 terms have a match, in 0." in done.err
    with output.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["code"], row["term"], row["n"], row["match_code"]) for row in rows] == [
        ("A", "Cat  Bite", "5", "2"),
        ("B", "the fever", "2", "0"),
        ("C", "", "0", "0"),
        ("D", "scratch heart", "1", "9"),
    ]


def test_lines_go_to_standard_output(biolord: Biolord, linked: list[object]) -> None:
    """As JSON, unless another form is asked for."""
    done = biolord(*linked, "--empty", "skip", "--where", "domain_id=fever", "--where", "domain_id=heart")
    found = [json.loads(line) for line in done.out.splitlines()]
    assert [line["text"] for line in found] == ["Cat  Bite", "the fever", "scratch heart"]
    assert {match["kept"]["domain_id"] for line in found for match in line["matches"]} == {"fever", "heart"}
    done = biolord(*linked, "--empty", "skip", "--format", "csv", "--top", 1)
    assert done.out.splitlines()[0].startswith("term,match_rank,match_code")
    assert len(done.out.splitlines()) == 4


def test_forms_with_options(biolord: Biolord, linked: list[object], tmp_path: Path) -> None:
    """Frequencies for Usagi, prefixes for SSSOM."""
    common = (*linked, "--id-column", "code", "--empty", "skip")
    assert biolord(*common, "--frequency", "n", "--output", tmp_path / "o.usagi.csv").code == 0
    assert (tmp_path / "o.usagi.csv").read_text("utf-8").splitlines()[1].startswith("A,Cat  Bite,5,2;")
    done = biolord(
        *(*common, "--output", tmp_path / "o.sssom.tsv", "--prefix", "OMOP=https://example.org/omop/"),
        *("--source-prefix", "LAB=https://example.org/lab/", "--license", "https://example.org/license"),
        *("--object-source", "OMOP:all", "--top", 1),
    )
    assert done.code == 0
    lines = (tmp_path / "o.sssom.tsv").read_text("utf-8").splitlines()
    assert "#license: https://example.org/license" in lines
    assert "#object_source: OMOP:all" in lines
    assert any(line.startswith("#mapping_set_id: urn:uuid:") for line in lines)
    assert lines[-3].startswith("LAB:A\tCat  Bite\tskos:exactMatch\tOMOP:2\tcat bite\t")


def test_figures(biolord: Biolord, linked: list[object], tmp_path: Path) -> None:
    """On standard output, where nothing else is; and as a page."""
    common = (*linked, "--empty", "skip", "--gold", "right", "--gold-separator", "|", "--top", 1)
    done = biolord(*common, "--output", tmp_path / "o.csv", "--json", "--html", tmp_path / "o.html")
    found = json.loads(done.out)
    assert (found["terms"], found["without_gold"], found["hit@1"]) == (3, 0, 1 / 3)
    assert found["gold_in_index"] == 1 / 3
    assert (tmp_path / "o.html").read_text("utf-8").startswith("<!doctype html>")
    assert len((tmp_path / "o.csv").read_text("utf-8").splitlines()) == 4
    done = biolord(*common, "--output", tmp_path / "p.csv")
    assert done.out.startswith("terms with a known code  3\n")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--output", "o.tsv"], "o.tsv ends in none of .sssom.tsv"),
        (["--output", "nowhere/o.csv"], "the folder nowhere of o.csv does not exist: make it first"),
        (["--top", "43"], "--top is 43, and "),
        (["--top", "0"], "is no whole number from 1 to 1000"),
        (["--min-score", "1.5"], "'1.5' is no cosine from -1 to 1"),
        (["--min-score", "nan"], "'nan' is no cosine from -1 to 1"),
        (["--min-score", "high"], "'high' is no cosine from -1 to 1"),
        (["--where", "dog"], "--where 'dog' is no filter: write COLUMN=VALUE"),
        (["--where", "kind=x"], "the index keeps no column 'kind' to filter by, it keeps: domain_id"),
        (["--gold", "right"], "links go to standard output, and --gold prints its figures there: give --output FILE"),
        (["--workers", "2"], "and --workers 2 is for files"),
        (["--format", "parquet"], "and parquet is no text"),
        (["--html", "o.html"], "--html is given without --gold"),
        (["--prefix", "A=b:c"], "--prefix means nothing in jsonl: leave it out"),
        (["--frequency", "n", "--format", "csv"], "--frequency means nothing in csv: leave it out"),
        (["--keep", "nothing"], "has no column 'nothing', it has: code, term, n, right"),
        (["--format", "sssom"], "SSSOM needs a prefix for the codes of the index: --prefix NAME=IRI"),
        ([], "terms.csv, line 4: column 'term' is empty"),
    ],
)
def test_what_is_refused(biolord: Biolord, linked: list[object], table: Path, more: list[str], message: str) -> None:
    """In one line, before anything is looked for."""
    if more:
        table.write_text(TABLE.replace("C,,0,\n", ""), "utf-8")
    biolord(*linked, *more).assert_error(message)


def test_figures_of_what_is_known(biolord: Biolord, linked: list[object], tmp_path: Path, table: Path) -> None:
    """Terms without a code are counted, codes are looked up once, and cut terms are told of."""
    long = "dog " * 40
    table.write_text(f"term,right\ncat bite,2\nbite cat,2\n{long},\n", "utf-8")
    done = biolord(*linked, "--gold", "right", "--json", "--output", tmp_path / "o.csv")
    found = json.loads(done.out)
    assert (found["terms"], found["without_gold"], found["gold_in_index"]) == (2, 1, 1.0)
    assert "1 of 3 terms have more than 16 tokens and were cut" in done.err
    assert biolord(*linked, "--format", "csv").err == done.err.splitlines()[0] + "\n"


def test_outputs_are_not_overwritten(biolord: Biolord, linked: list[object], tmp_path: Path, table: Path) -> None:
    """Neither a file nor the input."""
    (tmp_path / "o.csv").write_text("mine", "utf-8")
    biolord(*linked, "--empty", "skip", "--output", tmp_path / "o.csv").assert_error(
        "o.csv exists: choose another name"
    )
    biolord(*linked, "--output", table, "--force").assert_error("is the file that is read")
    assert biolord(*linked, "--empty", "skip", "--output", tmp_path / "o.csv", "--force").code == 0
    biolord(
        *linked, "--empty", "skip", "--gold", "right", "--output", tmp_path / "p.csv", "--html", table
    ).assert_error("terms.csv is the file that is read")


def test_what_links_are_made_of_is_not_overwritten(
    biolord: Biolord, linked: list[object], tmp_path: Path, table: Path
) -> None:
    """Not even by force: neither the index nor the input, nor the links by their figures."""
    _, index, *_ = linked
    gold = [*linked, "--empty", "skip", "--gold", "right", "--force"]
    inside = Path(str(index)) / "manifest.json"
    biolord(*gold, "--output", inside, "--format", "csv").assert_error("manifest.json lies in the folder that is read")
    figures = ["--output", tmp_path / "p.csv", "--html"]
    biolord(*gold, *figures, inside).assert_error("manifest.json lies in the folder that is read")
    biolord(*gold, *figures, table).assert_error("terms.csv is the file that is read")
    biolord(*gold, *figures, tmp_path / "p.csv").assert_error("--html and --output are one file")
    assert not (tmp_path / "p.csv").exists()


def test_an_index_that_was_changed_is_not_linked_to(
    biolord: Biolord, linked: list[object], tmp_path: Path, index_path: Path
) -> None:
    """A run of hours looks at all of it first."""
    index = Path(shutil.copytree(index_path, tmp_path / "index"))
    file = next(index.glob("data-*/low"))
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    _, _, *rest = linked
    done = biolord("link", index, *rest, "--empty", "skip", "--output", tmp_path / "o.csv")
    assert done.code == 2
    assert "low was changed since the index was built" in done.err


def test_nothing_stands_between_codes(biolord: Biolord, linked: list[object], tmp_path: Path) -> None:
    """A separator of no characters separates nothing."""
    biolord(*linked, "--output", tmp_path / "o.csv", "--gold", "right", "--gold-separator", "").assert_error(
        "--gold-separator is empty"
    )


def test_parquet_needs_pyarrow(
    biolord: Biolord, linked: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Said before anything is looked for."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    biolord(*linked, "--output", tmp_path / "o.parquet").assert_error(
        "o.parquet needs pyarrow to be written: pip install"
    )


def test_terms_come_through_a_pipe(linked: list[object], tmp_path: Path) -> None:
    """A process of its own; standard input has no name that says what it is."""
    command = [
        *COMMAND,
        *map(str, linked),
        "--input-format",
        "csv",
        "--empty",
        "skip",
        "--output",
        str(tmp_path / "o.csv"),
    ]
    command[command.index("--input") + 1] = "-"
    done = subprocess.run(command, input=TABLE.encode(), capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"3 of 3 terms have a match" in done.stderr


@pytest.mark.slow
def test_a_killed_run_goes_on(biolord: Biolord, index_path: Path, tiny: Path, tmp_path: Path) -> None:
    """Twice, by SIGKILL, wherever it is: the same command gives the bytes of a run that nobody killed."""
    terms = [f"cat {number} {number % 97}" for number in range(5_000)]
    (tmp_path / "terms.txt").write_text("\n".join([*terms, ""]), "utf-8")
    command = [*COMMAND, "link", index_path, "--artifact", tiny, "--input", tmp_path / "terms.txt", "--top", "3"]
    to_output = [*map(str, command), "--output", str(tmp_path / "o.csv")]
    for _ in range(2):
        kill(to_output, tmp_path / ".o.csv.journal")
    done = subprocess.run(to_output, capture_output=True, text=True, check=True)
    assert "of 5000 rows of an interrupted run" in done.stderr
    assert biolord(*command[len(COMMAND) :], "--output", tmp_path / "whole.csv").code == 0
    assert (tmp_path / "o.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def kill(command: list[str], journal: Path) -> None:
    """Start a command, and kill it once its journal has grown by a note."""
    size = journal.stat().st_size if journal.exists() else 0
    with heeding_signals():
        process = subprocess.Popen(command, env=unmeasured(), stderr=subprocess.DEVNULL)
    wait_for(lambda: process.poll() is not None or (journal.exists() and journal.stat().st_size > size + 500))
    assert process.poll() is None
    process.kill()
    process.wait(PATIENCE)


def names_of(found: list[dict[str, list[dict[str, str]]]]) -> list[str]:
    """The names that a search of one query shows."""
    return [hit["name"] for answer in found for hit in answer["hits"]]


def test_a_reranker_puts_candidates_in_order(biolord: Biolord, linked: list[object], tmp_path: Path) -> None:
    """As it does for a search; who it was is part of what a run that goes on must be the same in."""
    reranker = write_tiny_reranker(tmp_path / "reranker")
    common = (*linked, "--empty", "skip", "--top", 3)
    plain = [json.loads(line) for line in biolord(*common).out.splitlines()]
    done = biolord(*common, "--rerank", reranker, "--rerank-top", 5)
    assert done.code == 0
    found = [json.loads(line) for line in done.out.splitlines()]
    index = linked[1]
    for line in found:
        searched = biolord(
            *("search", index, line["text"], "--artifact", linked[3], "--rerank", reranker, "--rerank-top", 5),
            *("--top", 3, "--json"),
        )
        assert [match["name"] for match in line["matches"]] == names_of(json.loads(searched.out))
    assert found != plain
    output = tmp_path / "linked.jsonl"
    assert biolord(*common, "--rerank", reranker, "--rerank-top", 5, "--output", output).code == 0
    assert [json.loads(line) for line in output.read_text("utf-8").splitlines()] == found
    done = biolord(*common, "--rerank-top", 5)
    assert (done.code, "--rerank-top needs --rerank" in done.err) == (2, True)
