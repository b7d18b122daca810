"""Tables of text: delimiters, quotes, cells that are missing or too many."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biolord_onnx.bulk.reading import Columns, Row, read_rows
from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Empty, Layout
from unit.runtime.io.reading import numbered, pairs, texts, write

ATHENA = "concept_id\tconcept_name\tdomain_id\n"
QUOTED = Layout(quoting="csv")
PLAIN = Layout(quoting="none")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", 'id,name\r\n1,"cat, ""Felix"""\r\n2,b\r\n3,"two\nlines"\r\n'),
        ("t.CSV", '\ufeffname,id\n"cat, ""Felix""",1\nb,2\n"two\nlines",3\n'),
        ("t.csv", 'id;name\n1;"cat, ""Felix"""\n2;"b"\n3;"two\nlines"\n'),
    ],
)
def test_a_column_is_read(tmp_path: Path, name: str, content: str) -> None:
    """Quotes, commas and line breaks inside cells come back as written."""
    assert texts(write(tmp_path, name, content), "name") == ['cat, "Felix"', "b", "two\nlines"]


def test_quotes_enclose_cells_of_other_tables_if_told_so(tmp_path: Path) -> None:
    """As spreadsheets write tabs, too."""
    content = 'id\tname\n1\t"cat, ""Felix"""\n2\t"two\nlines"\n'
    assert texts(write(tmp_path, "t.tsv", content), "name", QUOTED) == ['cat, "Felix"', "two\nlines"]


@pytest.mark.parametrize("name", ["CONCEPT.csv", "t.tsv", "t.tab"])
def test_lone_quotes_are_characters_between_tabs(tmp_path: Path, name: str) -> None:
    """Athena, RxNorm and SNOMED CT quote nothing: a leading quote swallows no row."""
    rows = ['2\t"rivaroxaban\tDrug', '3\t"y port" tubing for dialysis\tDevice', '4\tcat"\tDrug', "5\tdog\tDrug"]
    path = write(tmp_path, name, ATHENA + "\n".join(rows) + "\n")
    assert pairs(path, text="concept_name", known_by="concept_id") == [
        ('"rivaroxaban', "2"),
        ('"y port" tubing for dialysis', "3"),
        ('cat"', "4"),
        ("dog", "5"),
    ]


@pytest.mark.parametrize("content", ['id\tname\n1\t"cat"\n', 'name\n"cat\ndog"\n', 'id\tname\n"1"\tcat\n'])
def test_a_cell_in_quotes_between_tabs_is_doubtful(tmp_path: Path, content: str) -> None:
    """Only people can tell whether they belong to it; both answers can be given."""
    path = write(tmp_path, "t.tsv", content)
    known_by = "id" if "id" in content else None
    with pytest.raises(
        InputError, match=r"line 2: the cell .* stands in quotes: say --quoting none if .*--quoting csv"
    ):
        list(read_rows(path, Columns("name", known_by)))
    plain = [line.split("\t")[-1] for line in content.splitlines()[1:]]
    assert texts(path, "name", PLAIN) == plain
    assert texts(path, "name", QUOTED) == [plain[0].strip('"') if len(plain) == 1 else "cat\ndog"]


@pytest.mark.parametrize("name", ["t.tsv", "t.csv"])
def test_quotes_that_enclose_nothing_are_characters(tmp_path: Path, name: str) -> None:
    """No CSV has quotes inside that aren't doubled."""
    assert texts(write(tmp_path, name, 'id\tname\n1\t"A" and "B"\n'), "name") == ['"A" and "B"']


def test_quotes_behind_a_space_are_doubtful(tmp_path: Path) -> None:
    """A CSV reader takes them for characters, whoever wrote them likely didn't."""
    path = write(tmp_path, "t.csv", 'id, name\n1, "cat"\n')
    with pytest.raises(InputError, match=r'line 2: the cell  "cat" stands in quotes: remove the space before'):
        texts(path, " name")
    assert texts(path, " name", QUOTED) == [' "cat"']


@pytest.mark.parametrize(
    "content",
    [
        'id,name,kind\n2,"rivaroxaban,Drug\n3,cat,Animal\n4,dog",Animal\n',
        'id,name\n2,"rivaroxaban\n3,dog"\n',
        'id;name\n2;"rivaroxaban\n3;a\n4;b\n5;dog"\n',
        'name\n"cat\ndog"\n',
    ],
)
def test_a_quote_that_swallows_rows_is_found(tmp_path: Path, content: str) -> None:
    """Where a cell in quotes runs over lines that look like rows, somebody has to say that it may."""
    path = write(tmp_path, "t.csv", content)
    with pytest.raises(
        InputError, match=r"line 2: a cell in quotes runs on to line .* --quoting none .* --quoting csv"
    ):
        texts(path, "name")
    assert len(texts(path, "name", QUOTED)) == 1
    assert len(texts(path, "name", PLAIN)) == content.count("\n") - 1


@pytest.mark.parametrize("middle", ["\n", "2,b, c\n", "2,b\n\n2,b\n", "\r\n2,b\r\n"])
def test_swallowed_rows_need_not_be_clean(tmp_path: Path, middle: str) -> None:
    """Blank lines and texts with delimiters among them don't hide the others."""
    path = write(tmp_path, "t.csv", f'id,name\n1,"cat\n{middle}3,dog"\n')
    with pytest.raises(InputError, match="line 2: a cell in quotes runs on to line"):
        texts(path, "name")


def test_notes_of_several_lines_are_no_rows(tmp_path: Path) -> None:
    """As long as one of their lines lacks a row's delimiters."""
    note = "Findings: none, so far.\n\nImpression\nwell, again"
    assert texts(write(tmp_path, "t.csv", f'id,note\n1,"{note}"\n'), "note") == [note]


@pytest.mark.parametrize(
    ("name", "content", "line", "found", "option"),
    [
        ("t.csv", "id,name\nE11.9,Type 2 diabetes mellitus, without complications\n", 2, 3, "--quoting none"),
        ("t.csv", "id,name\n1,cat\n2\n", 3, 1, "--quoting none"),
        ("t.csv", 'id,name\n1,"two\n\nlines"\n2,a,b\n', 5, 3, "--delimiter"),
        ("t.csv", "name\n1, cat\n", 2, 2, "--delimiter"),
        ("t.csv", "id,name\n1,cat,\n", 2, 3, "--delimiter"),
        ("t.tsv", 'id\tname\n1\t"two\nlines"\n', 3, 1, "--quoting csv"),
        ("t.tsv", "id\tname\n1\ta\tb\n", 2, 3, "--quoting csv"),
        ("CONCEPT.csv", ATHENA + "1\tcat\n", 2, 2, "--quoting csv"),
        ("t.psv", "id|name\n1|a|b\n", 2, 3, "--delimiter"),
    ],
)
def test_rows_have_as_many_cells_as_the_header(
    tmp_path: Path, name: str, content: str, line: int, found: int, option: str
) -> None:
    """A cut text would get another one's code; the line and the option that may be the cause are named."""
    column = "concept_name" if content.startswith(ATHENA) else "name"
    with pytest.raises(InputError, match=rf"{name}, line {line}: the row has {found} cells?, .*{option}"):
        texts(write(tmp_path, name, content), column)


@pytest.mark.parametrize(
    ("sign", "name"), [(",", "t.csv"), ("\t", "t.csv"), (";", "t.csv"), ("|", "t.csv"), ("\t", "t.tsv"), ("|", "t.psv")]
)
def test_a_csv_files_header_tells_its_delimiter(tmp_path: Path, sign: str, name: str) -> None:
    """Other endings name theirs."""
    assert pairs(write(tmp_path, name, f"id{sign}name\r\n1{sign}cat\r\n")) == [("cat", "1")]


def test_a_header_with_several_delimiters_is_refused(tmp_path: Path) -> None:
    """Unless they are in quotes, or it was said which one is meant."""
    path = write(tmp_path, "t.csv", "id,name;kind\n1,cat;x\n")
    with pytest.raises(InputError, match="line 1 holds comma and semicolon: say with --delimiter which of them"):
        texts(path, "name")
    assert texts(path, "name;kind", Layout(delimiter=",")) == ["cat;x"]
    assert texts(write(tmp_path, "q.csv", '"a;b",name\n1,cat\n'), "name") == ["cat"]


def test_a_wrong_ending_is_suspected(tmp_path: Path) -> None:
    """Where the column isn't there, it may be the delimiter."""
    with pytest.raises(InputError, match=r"has no column 'name', it has: id,name \(read with --delimiter tab --"):
        texts(write(tmp_path, "t.tsv", "id,name\n1,cat\n"), "name")


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("names.txt", Layout("tsv")),
        ("names.txt", Layout(delimiter="\t")),
        ("names", Layout("csv", "\t", "none")),
        ("names.csv", Layout("tsv")),
    ],
)
def test_what_is_said_goes_before_the_name(tmp_path: Path, name: str, layout: Layout) -> None:
    """SNOMED CT's tables end in .txt."""
    assert pairs(write(tmp_path, name, "id\tname\n1\tcat, tame\n"), layout) == [("cat, tame", "1")]


# --- without a header ------------------------------------------------------------------------------------------------

RXNCONSO = '3|ENG||||||8717795||58488005||SNOMEDCT_US|PT|58488005|"1,4"-alpha|9|N|4096|\n'


@pytest.mark.parametrize("name", ["RXNCONSO.RRF", "mrconso.rrf"])
def test_rrf(tmp_path: Path, name: str) -> None:
    """UMLS and RxNorm: pipes, one behind the last cell, too, no header, no quoting; columns are numbered from 0."""
    path = write(tmp_path, name, RXNCONSO + RXNCONSO.replace('"1,4"-alpha', '"quoted"'))
    assert pairs(path, text="14", known_by="13") == [('"1,4"-alpha', "58488005"), ('"quoted"', "58488005")]


@pytest.mark.parametrize(("name", "key"), [("RXNCONSO.RRF", "RXCUI"), ("MRCONSO.RRF.gz", "CUI")])
def test_columns_of_known_rrf_files_have_names(tmp_path: Path, name: str, key: str) -> None:
    """Those of their documentation: nobody has to count. The first line is a row all the same."""
    content = gzip.compress(RXNCONSO.encode()) if name.endswith(".gz") else RXNCONSO
    path = write(tmp_path, name, content)
    assert pairs(path, text="STR", known_by=key) == pairs(path, text="14", known_by="0") == [('"1,4"-alpha', "3")]
    with pytest.raises(
        InputError, match=rf"has no column '18', it has: {key}, LAT, .*CVF \(columns are numbered from 0\)"
    ):
        texts(path, "18")
    assert texts(write(tmp_path, name.removesuffix(".gz"), "C1|cat|\n"), "1") == ["cat"]


def test_a_blank_first_line_is_refused(tmp_path: Path) -> None:
    """How many columns there are is read from it."""
    with pytest.raises(InputError, match=r"M\.RRF, line 1 is blank, expected a row"):
        texts(write(tmp_path, "M.RRF", "\nC1|cat|\n"), "1")


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("C1|cat|\n", "2", r"has no column '2', it has: 0, 1 \(columns are numbered from 0\)"),
        ("C1|cat|\n", "-1", "has no column '-1', it has: 0, 1"),
        ("C1|cat|\n", "STR", "has no column 'STR', it has: 0, 1"),
        ("C1|cat|\nC2|dog\n", "1", "line 2: the row has 1 cell, the first line has 2"),
        ("C1|cat|\nC2|dog|x|\n", "1", "line 2: the row has 3 cells, the first line has 2"),
        ("C1|cat|\nC2|dog|x\n", "1", "line 2: the row ends without the pipe that ends the first line"),
        ("C1|cat|\nC2||\n", "1", "line 2: column '1' is empty"),
    ],
)
def test_broken_rrf_is_refused(tmp_path: Path, content: str, column: str, message: str) -> None:
    """Numbers out of range, and rows of another length."""
    with pytest.raises(InputError, match=message):
        texts(write(tmp_path, "M.RRF", content), column)


def test_rrf_without_the_last_pipe(tmp_path: Path) -> None:
    """Tools that cut columns out drop it."""
    assert texts(write(tmp_path, "M.RRF", "C1|cat\nC2|dog\n"), "1") == ["cat", "dog"]
    assert texts(write(tmp_path, "M.RRF", ""), "1") == []


def test_other_tables_without_a_header(tmp_path: Path) -> None:
    """If told so."""
    assert pairs(write(tmp_path, "t.csv", "7,cat\n8,dog\n"), Layout(header=False), "1", "0") == [
        ("cat", "7"),
        ("dog", "8"),
    ]
    with pytest.raises(InputError, match=r"t\.csv has no column '1', it has: 7, cat"):
        texts(write(tmp_path, "t.csv", "7,cat\n8,dog\n"), "1")


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "t.csv is empty, expected a line that names its columns"),
        ("\n1,cat\n", "t.csv, line 1 is blank, expected the names of the columns"),
        ("name,id,name\na,1,b\n", "t.csv has several columns 'name': name, id, name: rename those that"),
        ("id, name\n1,cat\n", "t.csv has no column 'name', it has: id, ' name'"),
        ("id,na\u200bme\n1,cat\n", "t.csv has no column 'name', it has: id, 'na\\u200bme'"),
        ("id,nam\n1,cat\n", "t.csv has no column 'name', it has: id, nam"),
    ],
)
def test_broken_headers_are_refused(tmp_path: Path, content: str, message: str) -> None:
    """The message shows what the header has, signs that can't be seen, too."""
    with pytest.raises(InputError) as raised:
        texts(write(tmp_path, "t.csv", content), "name")
    assert str(raised.value).startswith(f"{tmp_path}/{message}")


@pytest.mark.parametrize(("name", "content"), [("t.csv", "id,name\n"), ("t.tsv", "id\tname\n")])
def test_a_column_must_be_chosen(tmp_path: Path, name: str, content: str) -> None:
    """Without --column the message lists the columns; a header alone gives no texts."""
    path = write(tmp_path, name, content)
    with pytest.raises(InputError, match=r"needs --column, one of: id, name$"):
        texts(path)
    with pytest.raises(InputError, match=r"has no column 'code', it has: id, name"):
        pairs(path, known_by="code")
    assert texts(path, "name") == []


# --- empty cells -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "sign"), [("t.csv", ","), ("t.tsv", "\t"), ("t.psv", "|"), ("t.csv", ";")])
@pytest.mark.parametrize("cell", ["", " ", "\u00a0", "\u200b"])
def test_empty_cells(tmp_path: Path, name: str, sign: str, cell: str) -> None:
    """Refused with the line, skipped and counted, or embedded and counted."""
    path = write(tmp_path, name, f"id{sign}name\n1{sign}cat\n2{sign}{cell}\n3{sign}dog\n")
    with pytest.raises(InputError, match=rf"{name}, line 3: column 'name' is empty: fill it, or choose --empty skip"):
        texts(path, "name")
    skip, embed = Empty("skip"), Empty("embed")
    assert numbered(path, Columns("name", None, Layout(), skip)) == [(1, Row("cat")), (3, Row("dog"))]
    assert numbered(path, Columns("name", "id", Layout(), embed))[1] == (2, Row(cell, "2"))
    assert (skip.count, embed.count) == (1, 1)
    list(read_rows(path, Columns("name", None, Layout(), skip)))
    assert skip.count == 1


@pytest.mark.parametrize(("name", "sign"), [("t.csv", ","), ("t.tsv", "\t")])
def test_nulls_of_databases(tmp_path: Path, name: str, sign: str) -> None:
    """MySQL and PostgreSQL write them so."""
    path = write(tmp_path, name, f"id{sign}name\n1{sign}cat\n2{sign}\\N\n")
    with pytest.raises(InputError, match="line 3: column 'name' is empty"):
        texts(path, "name")
    assert texts(path, "name", empty="skip") == ["cat"]


def test_empty_ids(tmp_path: Path) -> None:
    """A row that is known by nothing is empty, too; one without both counts once."""
    path = write(tmp_path, "t.csv", "id,name\n1,cat\n,dog\n,\n")
    with pytest.raises(InputError, match="line 3: column 'id' is empty"):
        pairs(path)
    for policy, count in (("skip", 1), ("embed", 3)):
        empty = Empty("skip" if policy == "skip" else "embed")
        assert len(list(read_rows(path, Columns("name", "id", Layout(), empty)))) == count
        assert empty.count == 2


@pytest.mark.parametrize(("name", "sign"), [("t.csv", ","), ("t.tsv", "\t")])
def test_blank_lines(tmp_path: Path, name: str, sign: str) -> None:
    """At the end they are nothing, between rows an empty row, which has no cells that could be embedded."""
    start = f"id{sign}name\n1{sign}cat\n"
    assert texts(write(tmp_path, name, f"{start}\n \n"), "name") == ["cat"]
    path = write(tmp_path, name, f"{start}\n2{sign}dog\n")
    with pytest.raises(InputError, match=r"line 3: the row is empty: .*--empty skip"):
        texts(path, "name")
    with pytest.raises(InputError, match="line 3: the line is blank: remove it, or choose --empty skip"):
        texts(path, "name", empty="embed")
    assert texts(path, "name", empty="skip") == ["cat", "dog"]


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_a_blank_line_of_one_column_is_a_cell(tmp_path: Path, name: str) -> None:
    """Nobody else could write an empty cell there."""
    path = write(tmp_path, name, "name\ncat\n\n")
    with pytest.raises(InputError, match="line 3: column 'name' is empty"):
        texts(path, "name")
    assert texts(path, "name", empty="embed") == ["cat", ""]


# --- CSV in particular -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('name\n"a" b\n', "t.csv, line 2: ',' expected after '\"': fix the line, or give --quoting none"),
        ('id,name\n1,b\n2,"a\n\n', "t.csv, line 3: unexpected end of data: fix the line, or give --quoting none"),
        (b"name\na\n\xff\n", "t.csv, line 3: byte 0xff is not UTF-8"),
    ],
)
def test_broken_csv_is_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    """With the line on which the row begins."""
    with pytest.raises(InputError) as raised:
        texts(write(tmp_path, "t.csv", content), "name")
    assert message in str(raised.value)


def test_long_cells_are_read(tmp_path: Path) -> None:
    """A note longer than the csv module's limit of 131,072 characters is no error."""
    note = "cat " * 50_000
    assert texts(write(tmp_path, "t.csv", f"note\n{note}\n"), "note") == [note]
    assert texts(write(tmp_path, "t.tsv", f"note\n{note}\n"), "note") == [note]


@pytest.mark.parametrize(("name", "sign"), [("t.csv", ","), ("t.tsv", "\t")])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(tmp_path: Path, name: str, sign: str, end: str) -> None:
    """Unix's, Windows's and old Macs'."""
    content = end.join((f"id{sign}name", f"1{sign}cat", f"2{sign}dog", ""))
    assert pairs(write(tmp_path, name, content)) == [("cat", "1"), ("dog", "2")]


cells = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]) | st.sampled_from('",\n\r'), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(cells, cells), max_size=5), st.sampled_from(",;\t|"))
def test_what_the_csv_module_writes_is_read(tmp_path: Path, rows: list[tuple[str, str]], sign: str) -> None:
    """Every cell comes back, with every delimiter."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=sign, quoting=csv.QUOTE_ALL).writerows([("id", "name"), *rows])
    path = write(tmp_path, "t.csv", stream.getvalue())
    found = read_rows(path, Columns("name", "id", Layout(None, sign, "csv"), Empty("embed")))
    assert [(row.id, row.text) for row in found] == rows


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(*[st.text('"ab ,;', min_size=1, max_size=5)] * 2), max_size=6), st.sampled_from("\t|"))
def test_an_unquoted_table_is_read_as_it_stands_or_refused(
    tmp_path: Path, rows: list[tuple[str, str]], sign: str
) -> None:
    """Whatever quotes do in it: no row is swallowed and no cell is changed."""
    content = "".join(f"{key}{sign}{text}\n" for key, text in [("id", "name"), *rows])
    path = write(tmp_path, "t.tsv" if sign == "\t" else "t.psv", content)
    plain = Columns("name", "id", Layout(quoting="none"), Empty("embed"))
    assert [(row.id, row.text) for row in read_rows(path, plain)] == rows
    try:
        found = [(row.id, row.text) for row in read_rows(path, Columns("name", "id", Layout(), Empty("embed")))]
    except InputError as error:
        assert "--quoting csv" in str(error)  # noqa: PT017 - either is right, nothing else is
    else:
        assert found == rows
