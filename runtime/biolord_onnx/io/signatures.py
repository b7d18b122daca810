"""What a file is whose bytes aren't text: its first bytes tell."""

from __future__ import annotations

from dataclasses import dataclass

GZIP = b"\x1f\x8b"
# With the byte that follows: PAR1 alone is the name of a receptor.
PARQUET = b"PAR1\x15"
SHOWN_BYTES = 512


@dataclass(frozen=True, slots=True)
class Signature:
    """How files of a kind begin.

    Attributes:
        start: Their first bytes.
        kind: What they are, to follow "is".
        advice: What to do.
        at: Where the bytes stand.
    """

    start: bytes
    kind: str
    advice: str
    at: int = 0


_UNPACK = "decompress it first, or with gzip, which is read as it is"
_CONVERT = "write it as .csv or .parquet"
_UTF_8 = "convert it with iconv -f {} -t UTF-8"
# UTF-32 stands before UTF-16, whose mark it begins with.
_SIGNATURES = (
    Signature(b"\xff\xfe\0\0", "text in UTF-32, not in UTF-8", _UTF_8.format("UTF-32")),
    Signature(b"\0\0\xfe\xff", "text in UTF-32, not in UTF-8", _UTF_8.format("UTF-32")),
    Signature(b"\xff\xfe", "text in UTF-16, not in UTF-8", _UTF_8.format("UTF-16")),
    Signature(b"\xfe\xff", "text in UTF-16, not in UTF-8", _UTF_8.format("UTF-16")),
    Signature(b"PK\x03\x04", "a zip archive or an Excel workbook", "unpack it, or save the sheet as .csv"),
    Signature(b"PK\x05\x06", "an empty zip archive", "pack the file anew"),
    Signature(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "save the sheet as .csv"),
    Signature(GZIP, "compressed with gzip", "decompress it first"),
    Signature(b"(\xb5/\xfd", "compressed with zstd", _UNPACK),
    Signature(b"\xfd7zXZ\0", "compressed with xz", _UNPACK),
    Signature(b"1AY&SY", "compressed with bzip2", _UNPACK, at=4),
    Signature(b"\x04\x22\x4d\x18", "compressed with lz4", _UNPACK),
    Signature(b"\x1f\x9d", "compressed with compress", _UNPACK),
    Signature(b"\xff\x06\0\0sNaPpY", "compressed with snappy", _UNPACK),
    Signature(b"LZIP\x01", "compressed with lzip", _UNPACK),
    Signature(b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it"),
    Signature(b"Rar!\x1a\x07", "a rar archive", "unpack it"),
    Signature(b"ustar\0", "a tar archive", "unpack it", at=257),
    Signature(b"ustar  \0", "a tar archive", "unpack it", at=257),
    Signature(PARQUET, "a Parquet file", "let its name end in .parquet, or say that it is Parquet"),
    Signature(b"ARROW1\0\0", "an Arrow file", _CONVERT),
    Signature(b"FEA1\0", "a Feather file", _CONVERT),
    Signature(b"ORC\x08", "an ORC file", _CONVERT),
    Signature(b"Obj\x01", "an Avro file", _CONVERT),
    Signature(b"\x89HDF\r\n\x1a\n", "an HDF5 file", _CONVERT),
    Signature(b"SQLite format 3\0", "an SQLite database", "write the table as .csv"),
    Signature(b"\x93NUMPY", "a NumPy array", "give texts, one per line"),
    Signature(b"%PDF-", "a PDF document", "give its text"),
)


def foreign(head: bytes) -> Signature | None:
    """Return what a file is that begins so, if it is known and isn't text."""
    return next((some for some in _SIGNATURES if head.startswith(some.start, some.at)), None)
