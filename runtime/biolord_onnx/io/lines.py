"""Lines of text, from a file that may be compressed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from biolord_onnx.errors import InputError
from biolord_onnx.io.rows import Columns, Row, is_blank
from biolord_onnx.io.streams import opened

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def decoded(source: str, name: str) -> Iterator[str]:
    """Yield what newlines end, with them, without a byte order mark.

    Args:
        source: Path of a file, or ``-`` for standard input.
        name: What messages call it.

    Raises:
        InputError: A line isn't UTF-8 or holds a NUL byte, or the file isn't text.
        OSError: The file can't be read.
    """
    with opened(source, name) as stream:
        for number, line in enumerate(stream, start=1):
            whole = line.removeprefix(_BYTE_ORDER_MARK) if number == 1 else line
            try:
                text = whole.decode("utf-8")
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{name}, line {number}: byte 0x{whole[error.start]:02x} is not UTF-8: save the file as UTF-8"
                ) from error
            if "\0" in text:
                raise InputError(
                    f"{name}, line {number}: a NUL byte, which no text has (UTF-16 has): save the file as UTF-8 text"
                )
            yield text


def lines(source: str, name: str) -> Iterator[str]:
    """Yield the lines of a file; arguments and errors are those of `decoded` and `without_ends`."""
    return without_ends(decoded(source, name), name)


def without_ends(whole_lines: Iterable[str], name: str) -> Iterator[str]:
    """Take off what ends lines: a newline, with a carriage return before it or not.

    On old Macs it was a carriage return alone. It ends lines here if there is no newline at all.

    Raises:
        InputError: A line has a carriage return inside.
    """
    for number, whole in enumerate(whole_lines, start=1):
        line = whole.removesuffix("\n").removesuffix("\r")
        if "\r" not in line:
            yield line
        elif number == 1 and not whole.endswith("\n"):
            yield from line.split("\r")
        else:
            raise InputError(
                f"{name}, line {number}: a carriage return stands inside the line: end all lines with newlines alone"
            )


def read_lines(source: str, name: str, columns: Columns) -> Iterator[Row]:
    """Read a text a line.

    Raises:
        InputError: As `lines`; or a line is empty and refused.
        OSError: The file can't be read.
    """
    for number, line in enumerate(lines(source, name), start=1):
        if is_blank(line) and not columns.empty.keeps(f"{name}, line {number}", "the line"):
            continue
        yield Row(line, None, number)
