"""A text a line."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biolord_onnx.bulk.reading import Columns, Row, read_rows
from biolord_onnx.errors import InputError
from biolord_onnx.io.lines import without_ends
from unit.runtime.io.reading import texts, write


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", []),
        ("a", ["a"]),
        ("a\n", ["a"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\r\nb\nc", ["a", "b", "c"]),
        (" a \n\tb", [" a ", "\tb"]),
        ("a\x0bb\x0cc\x85d\u2028e\n", ["a\x0bb\x0cc\x85d\u2028e"]),
        (b"\xef\xbb\xbfa\n", ["a"]),
        ("\ufeff\ufeffa\n", ["\ufeffa"]),
        ("a\rb\r", ["a", "b"]),
        ("a\rb", ["a", "b"]),
        ("a\r", ["a"]),
        ("PAR1\nBZh\n", ["PAR1", "BZh"]),
    ],
)
def test_a_line_is_a_text(tmp_path: Path, content: str | bytes, expected: list[str]) -> None:
    """A newline ends a line, or, without any, a carriage return; but for those and a byte order mark, all is kept."""
    assert texts(write(tmp_path, "l.txt", content)) == expected


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), min_size=1), st.booleans()
)
def test_every_kind_of_line_end_gives_the_same(parts: list[str], closed: bool) -> None:
    """Unix's, Windows's and old Macs'."""
    for end in ("\n", "\r\n", "\r"):
        whole = end.join(parts) + (end if closed or not parts[-1] else "")
        assert list(without_ends(io.StringIO(whole, newline="\n"), "x")) == parts


@pytest.mark.parametrize("content", ["a\nb\rc\n", "a\rb\nc\n", "a\r\r\n", "a\nb\rc"])
def test_a_carriage_return_inside_a_line_is_refused(tmp_path: Path, content: str) -> None:
    """Whether it ends a line or belongs to the text nobody can tell."""
    with pytest.raises(InputError, match=r"l\.txt, line [12]: a carriage return stands inside the line: end all lines"):
        texts(write(tmp_path, "l.txt", content))


@pytest.mark.parametrize(
    ("content", "line", "byte"),
    [(b"\xff", 1, "ff"), (b"a\nb\xe9t\xe9\nc", 2, "e9"), (b"\xef\xbb\xbfa\nb\n\xc3", 3, "c3")],
)
def test_unreadable_bytes_are_found(tmp_path: Path, content: bytes, line: int, byte: str) -> None:
    """The message names the line and the byte."""
    path = write(tmp_path, "l.txt", content)
    with pytest.raises(InputError, match=f"^{path}, line {line}: byte 0x{byte} is not UTF-8: save the file as UTF-8"):
        texts(path)


@pytest.mark.parametrize(
    ("name", "column"), [("l.txt", None), ("t.csv", "name"), ("t.tsv", "name"), ("t.jsonl", "name")]
)
def test_a_nul_byte_is_no_text(tmp_path: Path, name: str, column: str | None) -> None:
    """UTF-16 without its mark is UTF-8, byte by byte, with NUL bytes between."""
    with pytest.raises(InputError, match="line 1: a NUL byte, which no text has"):
        texts(write(tmp_path, name, "name\ncat\n".encode("utf-16-le")), column)
    first = '{"name": "a"}' if name == "t.jsonl" else "name"
    with pytest.raises(InputError, match="line 2: a NUL byte"):
        texts(write(tmp_path, name, f"{first}\nc\0t\n"), column)


@pytest.mark.parametrize(
    ("content", "line"),
    [("a\n\nb\n", 2), ("\n", 1), ("a\n \t\n", 2), ("\u200b\n", 1), ("\u00a0\u3000\n", 1), ("\x1f\n", 1)],
)
def test_empty_lines_are_refused(tmp_path: Path, content: str, line: int) -> None:
    """So are lines of white space and of signs that nobody sees, unless told otherwise."""
    path = write(tmp_path, "l.txt", content)
    with pytest.raises(InputError, match=rf"^{path}, line {line}: the line is empty: .*--empty skip .*--empty embed"):
        texts(path)
    kept = content.splitlines()
    assert texts(path, empty="embed") == kept
    assert texts(path, empty="skip") == [text for text in kept if text.isalpha()]


def test_a_file_is_read_as_it_is_needed(tmp_path: Path) -> None:
    """The first row comes before a broken later one is looked at."""
    rows = read_rows(write(tmp_path, "t.txt", b"a\n\xff\n"), Columns())
    assert next(rows) == Row("a")
    with pytest.raises(InputError, match="line 2"):
        next(rows)


def test_standard_input_is_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """For commands that read it once; it stays open."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("cat\r\nfièvre".encode())))
    assert texts("-") == ["cat", "fièvre"]
    assert not sys.stdin.buffer.closed
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\xff")))
    with pytest.raises(InputError, match=r"^standard input, line 1: byte 0xff is not UTF-8"):
        texts("-")
