"""Writing wheels: zip files of a known layout, the same bytes for the same content.

Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

TAG = "py3-none-any"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold
_MODE = 0o100644 << 16
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a wheel.

    Attributes:
        name: its path there, with slashes.
        content: the bytes, or the file that holds them.
    """

    name: str
    content: bytes | Path

    def open(self) -> AbstractContextManager[IO[bytes]]:
        """Open the content for reading."""
        return self.content.open("rb") if isinstance(self.content, Path) else nullcontext(BytesIO(self.content))


@dataclass(frozen=True, slots=True)
class WheelName:
    """What a wheel is called.

    Attributes:
        name: of the distribution, normalised.
        version: of it.
    """

    name: str
    version: str

    @property
    def stem(self) -> str:
        """The two, as they begin names of files and folders."""
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def file(self) -> str:
        """The wheel's own name."""
        return f"{self.stem}-{TAG}.whl"

    @property
    def info(self) -> str:
        """The folder of metadata inside."""
        return f"{self.stem}.dist-info"


def write_wheel(path: Path, name: WheelName, members: Iterable[Member]) -> None:
    """Write a wheel.

    Args:
        path: of the file, which is written beside first.
        name: of the wheel.
        members: all files but WHEEL and RECORD.

    Raises:
        OSError: a file can't be read, or the wheel not be written.
    """
    wheel = f"Wheel-Version: 1.0\nGenerator: biolord pack\nRoot-Is-Purelib: true\nTag: {TAG}\n"
    whole = sorted([*members, Member(f"{name.info}/WHEEL", wheel.encode())], key=lambda member: member.name)
    record = f"{name.info}/RECORD"
    with _beside(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        lines = [_add(archive, member) for member in whole]
        _add(archive, Member(record, "".join([*lines, f"{record},,\n"]).encode()))


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    part = path.with_name(f".{path.name}.part")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, member: Member) -> str:
    """Add a file; return its line of RECORD."""
    entry = zipfile.ZipInfo(member.name, _EPOCH)
    entry.external_attr = _MODE
    entry.compress_type = zipfile.ZIP_DEFLATED
    digest, size = hashlib.sha256(), 0
    with member.open() as source, archive.open(entry, "w", force_zip64=True) as target:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            target.write(chunk)
    encoded = base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
    return f"{member.name},sha256={encoded},{size}\n"
