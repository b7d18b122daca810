"""What ``biolord embed`` reads: tables as the world writes them, and never what it writes."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from unit.runtime.command import COMMAND, Biolord, Outcome, run_process
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
    inside = tmp_path / "names" / ".." / "names" / "out.parquet"
    biolord("embed", tiny, *options, "--output", inside).assert_error("lies in the folder that is read")
    assert biolord("embed", tiny, *options, "--output", tmp_path / "out.parquet").code == 0
    (tmp_path / "part.parquet").write_bytes((tmp_path / "names" / "part-0.parquet").read_bytes())
    (tmp_path / "names" / "part-2.parquet").symlink_to(tmp_path / "part.parquet")
    forced = biolord("embed", tiny, *options, "--output", tmp_path / "part.parquet", "--force")
    forced.assert_error(f"is the file that is read, {tmp_path / 'names' / 'part-2.parquet'}: choose another name")


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


# --- an output that is the input -------------------------------------------------------------------------------------


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """Give a table that can be overwritten, for it has an output's ending."""
    path = tmp_path / "names.jsonl"
    path.write_text('{"id": 1, "name": "cat"}\n', encoding="utf-8")
    return path


@pytest.mark.parametrize("way", ["the same", "around", "link", "chain", "hard link", "input is the link"])
def test_the_input_is_never_overwritten(biolord: Biolord, tiny: Path, tmp_path: Path, names: Path, way: str) -> None:
    """Whatever its names are, --force or not."""
    content = names.read_bytes()
    source, output = names, tmp_path / "o.jsonl"
    if way == "the same":
        output = names
    elif way == "around":
        (tmp_path / "sub").mkdir()
        output = tmp_path / "sub" / ".." / "names.jsonl"
    elif way == "link":
        output.symlink_to(names)
    elif way == "chain":
        (tmp_path / "between").symlink_to(names)
        output.symlink_to(tmp_path / "between")
    elif way == "hard link":
        os.link(names, output)
    else:
        source, output = output, names
        source.symlink_to(names)
    outcome = biolord("embed", tiny, "--input", source, "--column", "name", "--output", output, "--force")
    outcome.assert_error(f"is the file that is read, {source}: choose another name")
    assert names.read_bytes() == content


def test_standard_input_is_never_overwritten(tiny: Path, names: Path) -> None:
    """Where it is a file."""
    options = ["--input", "-", "--format", "jsonl", "--column", "name", "--output", str(names), "--force"]
    with names.open("rb") as stream:
        command = [*COMMAND, "embed", str(tiny), *options]
        done = subprocess.run(command, stdin=stream, capture_output=True, check=False, text=True)
    assert done.returncode == 2
    assert "names.jsonl is the file that is read, -: choose another name" in done.stderr
    assert names.read_text(encoding="utf-8").startswith('{"id": 1')


def test_standard_output_is_not_appended_to_the_input(tiny: Path, names: Path) -> None:
    """As ``>>`` would."""
    content = names.read_bytes()
    with names.open("ab") as stream:
        command = [*COMMAND, "embed", str(tiny), "--input", str(names), "--column", "name"]
        done = subprocess.run(command, stdout=stream, stderr=subprocess.PIPE, check=False, text=True)
    assert done.returncode == 2
    assert "standard output is the file that is read" in done.stderr
    assert names.read_bytes() == content


def test_another_file_may_be_replaced(biolord: Biolord, tiny: Path, tmp_path: Path, names: Path) -> None:
    """With --force, even if it has the same content."""
    (tmp_path / "o.jsonl").write_bytes(names.read_bytes())
    outcome = biolord("embed", tiny, "--input", names, "--column", "name", "--output", tmp_path / "o.jsonl", "--force")
    assert outcome.code == 0
    assert "embedding" in (tmp_path / "o.jsonl").read_text(encoding="utf-8")
