"""Results for a terminal and as Markdown."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from biolord_bench.report import cells as written
from biolord_bench.report import markdown, table, terminal
from biolord_bench.results.figures import Stages
from unit.bench.results.sample import SETTINGS, bare, failed_row, results, row


def cells(key: str) -> list[tuple[str, ...]]:
    """Return the rows of a table of the sample."""
    return list(next(one for one in table.tables(results()) if one.key == key).rows)


def test_every_table_is_there() -> None:
    """In the order in which people ask."""
    titles = [one.title for one in table.tables(results())]
    assert titles == [
        "Overview",
        "Latency",
        "Throughput",
        "Start",
        "Memory",
        "Where the time goes",
        "Batch and length",
        "Rows",
        "How each was run",
        "Without figures",
    ]


def test_speed_never_stands_without_fidelity() -> None:
    """Latency and throughput have the cosines beside them, and the ratio to the first row."""
    assert cells("queries") == [
        ("1", "tiny-cpu-int8", "8.00", "12.0", "16.0", "1.00", "20.0", "40.0", "0.99900", "0.9969"),
        ("2", "faster", "4.00", "6.00", "8.00", "2.00", "10.0", "20.0", "0.99900", "0.9969"),
    ]
    assert cells("bulk") == [
        ("1", "tiny-cpu-int8", "names", "300", "290–310", "2,700", "3.50", "1.00", "0.99900", "0.9969"),
        ("2", "faster", "names", "600", "580–620", "5,400", "1.75", "2.00", "0.99900", "0.9969"),
        ("1", "tiny-cpu-int8", "passages", "10.0", "10.0–10.0", "3,000", "190", "1.00", "0.99900", "0.9969"),
        ("2", "faster", "passages", "20.0", "20.0–20.0", "6,000", "95.0", "2.00", "0.99900", "0.9969"),
    ]


def test_the_other_tables() -> None:
    """Start, memory, stages, grid, rows and errors."""
    assert cells("start")[0] == ("1", "tiny-cpu-int8", "200", "100", "5.00", "400", "114")
    assert cells("memory")[0] == ("1", "tiny-cpu-int8", "100", "50.0", "150", "190", "0.100")
    assert cells("stages")[0] == ("1", "tiny-cpu-int8", "2.0", "96.0", "2.0", "20.0", "960", "20.0")
    assert cells("grid")[:2] == [
        ("1", "tiny-cpu-int8", "1", "2,000", "–"),
        ("1", "tiny-cpu-int8", "8", "3,200", "3,200"),
    ]
    assert cells("rows")[0][2:8] == ("cpu", "2", "0–1, 4", "amx_int8", "1.32.0", "cpu-int8")
    assert cells("rows")[2][2:] == ("cuda", "2", "–", "–", "–", "cuda-fp16", *cells("rows")[0][8:10], "–", "–")
    assert cells("notes")[0] == ("1", "tiny-cpu-int8", "as it comes")
    assert cells("overview")[0] == ("1", "tiny-cpu-int8", "300", "10.0", "8.00", "400", "150", "0.99900")
    assert cells("errors") == [("3", "tiny-cuda-fp16", "no installed provider runs it")]


def test_tables_without_rows_are_left_out() -> None:
    """A run that failed shows why, and no empty headings."""
    assert [one.key for one in table.tables(results(failed_row()))] == ["rows", "notes", "errors"]


def test_what_is_not_known_is_a_dash() -> None:
    """Never a 0."""
    partly = replace(bare(row("peer")), query=row().query, stages=Stages(0.0, 0.0, 0.0))
    found = {one.key: one.rows for one in table.tables(results(partly))}
    assert found["start"] == (("1", "peer", *"–––––"),)
    assert found["memory"] == (("1", "peer", *"–––––"),)
    assert found["queries"][0][-4:] == ("–", "–", "–", "–")
    assert found["stages"][0][2:5] == ("–", "–", "–")


def test_a_ratio_needs_two_figures() -> None:
    """Where the first row with the figure is measured as nothing, there is no ratio."""
    assert table._ratio(0.0, 4.0) == "–"
    assert table._ratio(2.0, None) == "–"
    assert table._ratio(2.0, 4.0) == "2.00"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (0.0, "0.000"),
        (0.0234, "0.023"),
        (0.9994, "0.999"),
        (0.9996, "1.00"),
        (9.994, "9.99"),
        (9.996, "10.0"),
        (99.94, "99.9"),
        (99.96, "100"),
        (12345.6, "12,346"),
    ],
)
def test_figures_have_about_three_digits(value: float | None, text: str) -> None:
    """And never an exponent."""
    assert written.number(value) == text


def test_the_terminal() -> None:
    """What was measured on and how comes first, then tables whose columns stand under each other."""
    text = terminal.render(results())
    assert text.startswith("machine  Some CPU (avx2, avx512_vnni)\nsystem   Linux 6.1 x86_64, 2 cores, 25.0 GB\n")
    assert "2 threads a run, threads without work sleep after 200 µs at most, medians over 2 processes a row" in text
    assert "names 1,000 (9,000 tokens); queries 50 (300 tokens)" in text
    lines = text[text.index("Latency") :].splitlines()[1:4]
    assert len({len(line) for line in lines}) == 1
    assert {line.index(name) for line, name in zip(lines, ("single", "tiny", "faster"), strict=True)} == {5}
    assert all(line == line.rstrip() for line in text.splitlines())


def test_how_it_was_run() -> None:
    """Spinning, several numbers of threads, a single process, and nothing encoded."""
    settings = replace(SETTINGS, threads=None, spinning=True, repeats=1)
    said = dict(table.summary(replace(results(), settings=settings, workloads={})))
    assert said["run"] == "threads as each row says, threads without work spin, one process a row"
    assert said["texts"] == "none"
    one = replace(results(), settings=replace(SETTINGS, threads=1))
    assert dict(table.summary(one))["run"].startswith("1 thread a run, ")


def test_markdown() -> None:
    """A heading and a table each, numbers to the right; every line of a table has its columns."""
    text = markdown.render(results())
    assert text.startswith("# biolord bench\n\n- machine: Some CPU (avx2, avx512\\_vnni)\n")
    for one in table.tables(results()):
        assert f"\n## {one.title}\n" in text
    tabled = [line for line in text.splitlines() if line.startswith("|")]
    assert tabled[1] == "| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    assert tabled[2] == "| 1 | tiny-cpu-int8 | 300 | 10.0 | 8.00 | 400 | 150 | 0.99900 |"


def test_markdown_of_names_that_look_like_markup() -> None:
    """A pipe, a star or a tag in a name is shown as it is, and a newline doesn't end the row."""
    text = markdown.render(results(failed_row("a|b*c", "x <b>\ny")))
    assert "| 1 | a\\|b\\*c | x \\<b\\> y |" in text
    assert all(re.fullmatch(r"\|.*\|", line) for line in text.splitlines() if line.startswith("|"))
