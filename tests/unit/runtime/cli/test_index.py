"""``biolord index`` and ``biolord search``."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
from pathlib import Path

import pytest

from biolord_onnx.index.building.place import Place
from unit.runtime.command import COMMAND, Biolord, ended, heeding_signals, run_process, unmeasured, wait_for
from unit.runtime.index.sources import write_athena

COLUMNS = ("--text", "concept_name", "--code", "concept_id")


@pytest.fixture(scope="module")
def built(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an index."""
    folder = tmp_path_factory.mktemp("built")
    concepts, synonyms = write_athena(folder)
    options = ("--synonyms", synonyms, "--synonym-text", "concept_synonym_name")
    outcome = run_process(
        "index", tiny, concepts, folder / "index", *COLUMNS, "--keep", "domain_id", *options,
        "--where", "standard_concept=S",
    )  # fmt: skip
    assert (outcome.code, outcome.out) == (0, "")
    *left, last = outcome.err.splitlines()
    assert left == [
        "rows left out, by --where: 1",
        "rows left out, synonyms of codes that aren't there: 1",
        "rows left out, the same as an earlier one: 1",
    ]
    assert last.startswith(f"{folder / 'index'}: 6 names of 4 codes (2 with several names), 0.0 MB, in ")
    assert last.endswith("of the 10 nearest of 6 names, a search finds 100.0 %")
    return folder / "index"


def test_an_index_is_no_artifact(biolord: Biolord, built: Path, tmp_path: Path) -> None:
    """Told by whatever takes one: nobody has to export anything again."""
    told = f"biolord: {built / 'manifest.json'} belongs to a biolord index: give an artifact, "
    for command in ("info", built), ("embed", built, "cat"), ("index", built, "names.txt", tmp_path / "index"):
        outcome = biolord(*command)
        assert (outcome.code, outcome.err.startswith(told)) == (2, True), outcome


def test_a_search_shows_a_table(built: Path) -> None:
    """As a process: scores, codes, names and kept columns, one under the other."""
    outcome = run_process("search", built, "dog", "--top", 2)
    assert outcome.code == 0, outcome.err
    first, second = outcome.out.splitlines()
    assert first.split() == ["exact", "3", "Dog", "Animal"]
    assert second[:2] == "0."
    assert first.index("3") == second.index(second.split()[1])


def test_several_queries_and_codes(biolord: Biolord, built: Path) -> None:
    """Each has its name above; codes need no artifact."""
    out = biolord("search", built, "cat", "bite", "--top", 1, "--code", "2").out
    assert out.startswith(
        "2:\nexact  2  Cat    Animal\nexact  2  Felis  Animal\n\ncat:\nexact  2  Cat  Animal\n\nbite:\n"
    )
    outcome = biolord("search", built, "--code", "4", "--artifact", "nowhere")
    assert outcome.out == "exact  4  Dog bite         Condition\nexact  4  Bite of the dog  Condition\n"


def test_json(biolord: Biolord, built: Path) -> None:
    """All of a hit, for each query."""
    [answer] = json.loads(biolord("search", built, "felis", "--top", 1, "--json").out)
    [hit] = answer["hits"]
    assert answer["query"] == "felis"
    assert hit.pop("score") == pytest.approx(1, abs=1e-6)
    assert hit == {"code": "2", "name": "Felis", "row": 4, "exact": True, "kept": {"domain_id": "Animal"}}


def test_options_of_a_search(biolord: Biolord, built: Path, tiny: Path) -> None:
    """Filters, a smallest score, all names."""
    search = ("search", built, "dog", "--artifact", tiny)
    assert len(biolord(*search).out.splitlines()) == 4
    assert len(biolord(*search, "--all-names").out.splitlines()) == 6
    assert len(biolord(*search, "--where", "domain_id=Animal").out.splitlines()) == 2
    either = ("--where", "domain_id=Animal", "--where", "domain_id=Condition")
    assert len(biolord(*search, *either).out.splitlines()) == 4
    assert len(biolord(*search, "--min-score", "0.9999").out.splitlines()) == 1
    nothing = biolord(*search, "--where", "domain_id=Plant")
    assert (nothing.code, nothing.out, nothing.err) == (0, "", "nothing is found for 'dog'\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["cat", "--top", "7"], "top is 7, expected 1 to 6, the rows of the index"),
        (["cat", "--top", "0"], "'0' is no whole number from 1 to"),
        (["cat", "--where", "domain=Animal"], "the index keeps no column 'domain' to filter by, it keeps: domain_id"),
        (["cat", "--where", "Animal"], "--where 'Animal' is no filter: write COLUMN=VALUE"),
        (["--code", "7"], "has no code '7'"),
        ([], "nothing to look for: give a text, or --code CODE"),
        ([" "], "query 0 is empty: give a text to look for"),
    ],
)
def test_what_is_asked_wrongly(biolord: Biolord, built: Path, options: list[str], message: str) -> None:
    """One line that says what is wrong."""
    biolord("search", built, *options).assert_error(message)


def test_another_artifact_is_refused(biolord: Biolord, built: Path, compiled: Path) -> None:
    """With both hashes."""
    biolord("search", built, "cat", "--artifact", compiled).assert_error(
        "holds vectors of tiny-cpu-fp32 with fingerprint"
    )


def test_no_index(biolord: Biolord, tmp_path: Path) -> None:
    """A folder that isn't there."""
    biolord("search", tmp_path / "none", "cat").assert_error("is no index (there is no such folder): run biolord index")


def test_a_build_tells_what_it_wrote(biolord: Biolord, tiny: Path, tmp_path: Path) -> None:
    """Synonyms stand in a file of their own, under the same column names unless told otherwise."""
    concepts, synonyms = write_athena(tmp_path)
    options = ("--synonyms", synonyms, "--synonym-text", "concept_synonym_name")
    outcome = biolord("index", tiny, concepts, tmp_path / "index", *COLUMNS, *options)
    assert outcome.code == 0
    assert " codes (" in outcome.err
    assert "were cut" not in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--text", "name"], "has no column 'name', it has: concept_id, concept_name, domain_id, standard_concept"),
        ([], "needs --text, one of: concept_id"),
        (["--text", "concept_name", "--keep", "class"], "has no column 'class'"),
        (["--text", "concept_name", "--where", "class=x"], "has no column 'class'"),
        (["--text", "concept_name", "--where", "class"], "--where 'class' is no filter"),
        (["--text", "concept_name", "--template", "{class}"], "the template '{class}' has no {name}"),
        (["--text", "concept_name", "--synonym-code", "id"], "--synonym-code is given without --synonyms"),
        (["--text", "concept_name", "--synonyms", "s.csv"], "--synonyms s.csv needs --code and --text"),
    ],
)
def test_what_can_not_be_indexed(
    biolord: Biolord, tiny: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    """One line, and nothing is left."""
    concepts, _ = write_athena(tmp_path)
    biolord("index", tiny, concepts, tmp_path / "index", *options).assert_error(message)
    assert not (tmp_path / "index").exists()


def test_lines_from_a_pipe(tiny: Path, tmp_path: Path, biolord: Biolord) -> None:
    """Read once; lines have no columns to keep."""
    outcome = run_process("index", tiny, "-", tmp_path / "index", stdin=b"cat\ndog\ncat\n")
    assert outcome.code == 0, outcome.err
    assert "2 names, 0.0 MB" in outcome.err
    assert len(biolord("search", tmp_path / "index", "cat").out.splitlines()) == 2
    names = tmp_path / "names.txt"
    names.write_text("cat\n")
    refused = biolord("index", tiny, names, tmp_path / "other", "--keep", "class")
    refused.assert_error("is read as lines and has no columns: leave --keep or --where out")


def test_long_names_are_told(tiny: Path, tmp_path: Path, biolord: Biolord) -> None:
    """As biolord embed does; compressed tables are read."""
    table = tmp_path / "t.csv.gz"
    table.write_bytes(gzip.compress(f"name\ncat\n{'dog ' * 40}\n".encode()))
    outcome = biolord("index", tiny, table, tmp_path / "index", "--text", "name", "--rescore", "none")
    assert outcome.err.startswith("1 of 2 texts have more than 16 tokens and were cut\n")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="counts on signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.real)])
def test_a_build_that_is_killed_goes_on(tiny: Path, tmp_path: Path, how: signal.Signals) -> None:
    """From the rows that are done, to the same bytes; before that it can't be opened."""
    names, path = tmp_path / "names.txt", tmp_path / "index"
    names.write_text("\n".join(f"cat {number}" for number in range(20_000)))
    command = [*COMMAND, "index", str(tiny), str(names), str(path), "--batch-tokens", "64"]
    journal = Place(path, None, made=True).work / ".vectors.npy.journal"
    with heeding_signals():
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=unmeasured())
    with process:
        try:
            wait_for(lambda: journal.exists() and journal.read_bytes().count(b"\n") >= 2)
            process.send_signal(how)
            assert ended(process) == (-how if how is signal.SIGKILL else 143)
        finally:
            process.kill()
    assert "is no index (without manifest.json, or not built to its end)" in run_process("search", path, "cat").err
    outcome = run_process(*command[len(COMMAND) :])
    assert "going on behind " in outcome.err
    whole = tmp_path / "whole"
    assert run_process("index", tiny, names, whole, "--batch-tokens", "64").code == 0
    for file in (whole / "data-1").iterdir():
        assert (path / "data-1" / file.name).read_bytes() == file.read_bytes()
    assert (path / "manifest.json").read_bytes() == (whole / "manifest.json").read_bytes()
    assert not (path / ".work").exists()
