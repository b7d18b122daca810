"""Reads files as Usagi does: by lines, then by commas outside quotes, then without escapes."""

from __future__ import annotations


def read_usagi(content: bytes) -> list[dict[str, str]]:
    """Return the rows of a file by the names of its columns."""
    header, *rows = [[_unescaped(cell) for cell in _split(line)] for line in content.decode().split("\n")[:-1]]
    return [dict(zip(header, row, strict=True)) for row in rows]


def _split(line: str) -> list[str]:
    cells, start, quoted, escaped = [], 0, False, False
    for at, sign in enumerate(line):
        quoted ^= sign == '"' and not escaped
        if sign == "," and not quoted and not escaped:
            cells.append(line[start:at])
            start = at + 1
        escaped = sign == "\\" and not escaped
    return [*cells, line[start:]]


def _unescaped(cell: str) -> str:
    if len(cell) > 1 and cell.startswith('"') and cell.endswith('"'):
        cell = cell[1:-1]
    return cell.replace('""', '"').replace('\\"', '"').replace("\\\\", "\\")
