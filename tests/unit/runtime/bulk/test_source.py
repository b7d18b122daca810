"""Where rows come from."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biolord_onnx.bulk.reading import Columns, Row
from biolord_onnx.bulk.source import Source, is_lasting, of_file, of_texts, spooled, survey
from biolord_onnx.errors import InputError


def lines(tmp_path: Path, *texts: str) -> str:
    """Write a file of lines."""
    path = tmp_path / "lines.txt"
    path.write_text("".join(f"{text}\n" for text in texts), encoding="utf-8")
    return str(path)


def surveyed(read: Callable[[], list[str]]) -> Source:
    """Survey what may be something else each time it is read."""
    return survey("names.txt", lambda: (Row(text) for text in read()))


def test_a_file_is_surveyed(tmp_path: Path) -> None:
    """How many rows there are is known before the first is encoded, and they can be read twice."""
    source = of_file(lines(tmp_path, "cat", "é"), Columns())
    assert (source.count, source.id_type) == (2, None)
    assert list(source.rows()) == list(source.rows()) == [Row("cat"), Row("é")]


def test_the_digest_is_of_the_texts(tmp_path: Path) -> None:
    """The same texts have it whatever they come in; other texts, or others cut elsewhere, don't."""
    digest = of_file(lines(tmp_path, "cat", "dog"), Columns()).digest
    (tmp_path / "t.csv").write_text("id,name\n1,cat\n2,dog\n", encoding="utf-8")
    assert of_file(str(tmp_path / "t.csv"), Columns("name", "id")).digest == digest
    assert of_texts(["cat", "dog"]).digest == digest
    others = [["cat"], ["cat", "dof"], ["catd", "og"], ["cat", "", "dog"], ["cat\ndog"], []]
    assert len({digest, *(of_texts(texts).digest for texts in others)}) == 7


@pytest.mark.parametrize(("value", "kind"), [('"a"', str), ("1", int)])
def test_ids_have_one_type(tmp_path: Path, value: str, kind: type) -> None:
    """Of the first; another one is refused with its row, not written as something else."""
    path = tmp_path / "t.jsonl"
    good = f'{{"name": "cat", "id": {value}}}\n'
    path.write_text(good, encoding="utf-8")
    assert of_file(str(path), Columns("name", "id")).id_type is kind
    bad = '{"name": "cat", "id": 2}\n' if kind is str else '{"name": "cat", "id": "2"}\n'
    path.write_text(good + bad, encoding="utf-8")
    with pytest.raises(InputError, match=rf"t\.jsonl, row 1: the id .*2.* those before are {kind.__name__}: write all"):
        of_file(str(path), Columns("name", "id"))


def test_a_bad_row_is_found_at_once(tmp_path: Path) -> None:
    """Not when hours later its turn comes."""
    (tmp_path / "l.txt").write_bytes(b"cat\n" * 100 + b"\xff\n")
    with pytest.raises(InputError, match="line 101: byte 0xff"):
        of_file(str(tmp_path / "l.txt"), Columns())


def test_texts_of_a_command_line() -> None:
    """A lone surrogate is what undecodable bytes of an argument become."""
    assert list(of_texts(["cat", ""]).rows()) == [Row("cat"), Row("")]
    with pytest.raises(InputError, match=r"texts\[1\] has a lone surrogate"):
        of_texts(["cat", "caf\udce9"])


@pytest.mark.parametrize(
    ("then", "where"),
    [
        (["a", "x", "c"], "at row 0 or behind it"),
        (["a", "b"], "at row 0 or behind it"),
        (["a", "b", "c", "d"], "at row 0 or behind it"),
        ([*"abc" * 700, "a"], "at row 0 or behind it"),
        ([], "had 3 rows and has 0 now"),
    ],
)
def test_a_file_that_changes_is_noticed(then: list[str], where: str) -> None:
    """Before the first of its rows is used: somebody writes to it, at whatever length."""
    read = iter([["a", "b", "c"], then])
    source = surveyed(lambda: next(read))
    with pytest.raises(InputError, match=rf"names.txt .*{where}.*: start again when nothing else writes to it"):
        next(source.rows())


def test_rows_before_a_change_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A block is given once it is known; those behind it are looked at when their turn comes."""
    monkeypatch.setattr("biolord_onnx.bulk.source.BLOCK_ROWS", 2)
    for then, told in (("abcx", "at row 2 or behind it"), ("abcde", "at row 4 or behind"), ("ab", "has 2 now")):
        read = iter(["abcd", then])
        rows = surveyed(lambda read=read: list(next(read))).rows()  # type: ignore[misc]
        assert [next(rows).text, next(rows).text] == ["a", "b"]
        with pytest.raises(InputError, match=told):
            list(rows)


@pytest.mark.parametrize("then", [Row("a", "1", more=("x",)), Row("a", 1, more=("y",))])
def test_ids_and_further_columns_count_too(then: Row) -> None:
    """A row that is known by something else, or has something else beside it, is another row."""
    read = iter([[Row("a", 1, more=("x",))], [then]])
    source = survey("names.txt", lambda: iter(next(read)))
    with pytest.raises(InputError, match="has changed"):
        list(source.rows())


@pytest.mark.parametrize("change", ["rename over", "rewrite at equal length, with the same times"])
def test_a_file_that_is_replaced(tmp_path: Path, change: str) -> None:
    """What was read first is what counts, whatever the file's size, times and number say."""
    path = Path(lines(tmp_path, "cat", "dog"))
    source = of_file(str(path), Columns())
    before = path.stat()
    if change == "rename over":
        (tmp_path / "other").write_text("cow\nhen\n")
        (tmp_path / "other").rename(path)
    else:
        path.write_text("cow\nhen\n")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(InputError, match=r"lines\.txt has changed since it was read first"):
        list(source.rows())


def test_what_can_be_read_twice(tmp_path: Path) -> None:
    """Files; a missing one gets its error where it is opened."""
    os.mkfifo(tmp_path / "pipe")
    assert is_lasting(lines(tmp_path, "cat"))
    assert is_lasting(str(tmp_path / "missing"))
    assert not is_lasting(str(tmp_path / "pipe"))
    assert not is_lasting("-")


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """Give a named pipe that somebody writes a table to."""
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    thread = threading.Thread(target=path.write_text, args=("name\ncat\n",))
    thread.start()
    yield path
    thread.join()


@pytest.mark.parametrize("descriptors", ["/dev/fd", "/nowhere"])
def test_a_pipe_is_copied(pipe: Path, tmp_path: Path, descriptors: str) -> None:
    """Its ending says what it is, and the copy goes away, or never had a name where the system allows that."""
    with spooled(str(pipe), tmp_path, Columns("name"), descriptors=Path(descriptors)) as source:
        assert source.name == str(pipe)
        assert list(source.rows()) == list(source.rows()) == [Row("cat")]
        assert (list(tmp_path.iterdir()) == [pipe]) is Path(descriptors).is_dir()
    assert list(tmp_path.iterdir()) == [pipe]


def test_standard_input_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """As lines."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"cat\ndog")))
    with spooled("-", None, Columns()) as source:
        assert (source.name, list(source.rows())) == ("standard input", [Row("cat"), Row("dog")])


def test_a_stream_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept in memory, unless a folder was named: there the output can't be written either."""
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", list)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"cat\ndog\n")))
    with spooled("-", None, Columns()) as source:
        assert list(source.rows()) == list(source.rows()) == [Row("cat"), Row("dog")]
    with pytest.raises(FileNotFoundError, match="gone"), spooled("-", tmp_path / "gone", Columns()):
        pytest.fail("there is no such folder")
