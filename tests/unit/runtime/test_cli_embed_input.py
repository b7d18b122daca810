"""What ``biolord embed`` reads: tables as the world writes them, and never what it writes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from unit.runtime.command import Biolord, Outcome, run_process
from unit.runtime.tiny_artifact import DIM

CONCEPT = 'concept_id\tconcept_name\tdomain_id\n2\t"rivaroxaban\tDrug\n3\t"y port" tubing for dialysis\tDevice\n'
RXNCONSO = '3|ENG||||||871||584||SNOMEDCT_US|PT|584|"1,4"-alpha|||N|||\n'
NAMES = "id,name\n1,cat\n2,dog\n"


def found(outcome: Outcome) -> list[tuple[object, str]]:
    """Parse ids and texts of JSON lines."""
    assert outcome.code == 0, outcome.err
    return [(row.get("id"), row["text"]) for row in map(json.loads, outcome.out.splitlines())]


def test_athenas_concepts_in_one_command(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Tabs and no quoting, though the name ends in .csv; with the options of the README and without."""
    (tmp_path / "CONCEPT.csv").write_text(CONCEPT, encoding="utf-8")
    options = ["--input", tmp_path / "CONCEPT.csv", "--column", "concept_name", "--id-column", "concept_id"]
    rows = [("2", '"rivaroxaban'), ("3", '"y port" tubing for dialysis')]
    assert found(biolord("embed", tiny, *options)) == rows
    assert found(biolord("embed", tiny, *options, "--delimiter", "tab", "--quoting", "none")) == rows


def test_rxnorms_names_in_one_command(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Pipes and no header: columns are numbered from 0."""
    (tmp_path / "RXNCONSO.RRF").write_text(RXNCONSO, encoding="utf-8")
    options = ["--input", tmp_path / "RXNCONSO.RRF", "--column", 14, "--id-column", 13]
    assert found(biolord("embed", tiny, *options)) == [("584", '"1,4"-alpha')]


@pytest.mark.parametrize("delimiter", ["tab", "\t", "\\t"])
def test_options_describe_any_file(biolord: Biolord, tiny: Path, tmp_path: Path, delimiter: str) -> None:
    """Whatever its name."""
    (tmp_path / "t.txt").write_text("7\tcat\n8\tdog\n", encoding="utf-8")
    options = ["--column", 1, "--id-column", 0, "--delimiter", delimiter, "--no-header"]
    assert found(biolord("embed", tiny, "--input", tmp_path / "t.txt", *options)) == [("7", "cat"), ("8", "dog")]


def test_a_folder_of_parts(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """As Spark writes tables."""
    (tmp_path / "names").mkdir()
    for number, name in enumerate(["cat", "dog"]):
        parquet.write_table(pa.table({"id": [number], "name": [name]}), tmp_path / "names" / f"part-{number}.parquet")
    options = ["--input", tmp_path / "names", "--column", "name", "--id-column", "id"]
    assert found(biolord("embed", tiny, *options)) == [(0, "cat"), (1, "dog")]
    assert biolord("embed", tiny, *options, "--output", tmp_path / "out.parquet").code == 0


def test_a_compressed_table_of_standard_input(tiny: Path, tmp_path: Path) -> None:
    """Is copied, and read as what it is said to be."""
    options = ["--input", "-", "--format", "csv", "--column", "name", "--output", tmp_path / "o.npy"]
    outcome = run_process("embed", tiny, *options, stdin=gzip.compress(NAMES.encode()))
    assert outcome.code == 0, outcome.err
    assert np.load(tmp_path / "o.npy").shape == (2, DIM)
    run_process(
        "embed", tiny, "--input", "-", "--format", "csv", "--column", "name", stdin=b"id,name\n1,a,b\n"
    ).assert_error("standard input, line 2: the row has 3 cells, the first line has 2")


def test_empty_rows(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Refused with their line; skipped or embedded, they are counted on stderr."""
    (tmp_path / "t.csv").write_text("id,name\n1,cat\n2,\n3, \n", encoding="utf-8")
    options = ["--input", tmp_path / "t.csv", "--column", "name", "--id-column", "id"]
    biolord("embed", tiny, *options).assert_error(
        "t.csv, line 3: column 'name' is empty: fill it, or choose --empty skip"
    )
    skipped = biolord("embed", tiny, *options, "--empty", "skip")
    assert found(skipped) == [("1", "cat")]
    assert skipped.err == f"{tmp_path / 't.csv'}: 2 empty rows were skipped\n"
    embedded = biolord("embed", tiny, *options, "--empty", "embed")
    assert found(embedded) == [("1", "cat"), ("2", ""), ("3", " ")]
    assert embedded.err == f"{tmp_path / 't.csv'}: 2 empty rows were embedded all the same\n"


@pytest.mark.parametrize(
    "option",
    [
        ["--column", "a"],
        ["--format", "csv"],
        ["--delimiter", ","],
        ["--quoting", "none"],
        ["--no-header"],
        ["--empty", "skip"],
    ],
)
def test_options_of_reading_need_an_input(biolord: Biolord, tiny: Path, option: list[str]) -> None:
    """They would do nothing."""
    biolord("embed", tiny, "cat", *option).assert_error(f"{option[0]} is given without --input: name the file, too")
