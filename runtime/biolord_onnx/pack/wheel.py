"""Writing wheels: zip files of a known layout, the same bytes for the same content.

Source: https://packaging.python.org/en/latest/specifications/binary-distribution-format/
"""

from __future__ import annotations

import base64
import csv
import hashlib
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

from biolord_onnx.errors import ArtifactError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ANY = "py3-none-any"
"""The tag of a wheel for every machine."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip file can hold
_MODE = 0o100644 << 16
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a wheel.

    Attributes:
        name: Its path there, with slashes.
        content: The bytes, or the file that holds them.
        sha256: That they have in hexadecimal, if that is known.
    """

    name: str
    content: bytes | Path
    sha256: str | None = None

    def digest(self) -> str:
        """Return the SHA-256 of the content in hexadecimal."""
        with self._open() as source:
            return hashlib.sha256(source.read()).hexdigest()

    def copy(self, target: IO[bytes]) -> tuple[bytes, int]:
        """Write the content to a stream; return its SHA-256 and its size.

        Raises:
            ArtifactError: It isn't what it should be: the file is being changed.
            OSError: It can't be read or written.
        """
        digest, size = hashlib.sha256(), 0
        with self._open() as source:
            while chunk := source.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
        if self.sha256 not in {None, digest.hexdigest()}:
            raise ArtifactError(
                f"{self.name} was changed while it was packed: SHA-256 {digest.hexdigest()[:12]}..., expected "
                f"{str(self.sha256)[:12]}...: pack again when nothing else writes to it"
            )
        return digest.digest(), size

    def _open(self) -> AbstractContextManager[IO[bytes]]:
        return self.content.open("rb") if isinstance(self.content, Path) else nullcontext(BytesIO(self.content))


@dataclass(frozen=True, slots=True)
class WheelName:
    """What a wheel is called.

    Attributes:
        name: Of the distribution, normalized.
        version: Of it.
        tag: Of the Pythons and machines that it is for.
    """

    name: str
    version: str
    tag: str = ANY

    @property
    def stem(self) -> str:
        """The two, as they begin names of files and folders."""
        return f"{self.name.replace('-', '_')}-{self.version}"

    @property
    def file(self) -> str:
        """The wheel's own name."""
        return f"{self.stem}-{self.tag}.whl"

    @property
    def info(self) -> str:
        """The folder of metadata inside."""
        return f"{self.stem}.dist-info"


def write_wheel(path: Path, name: WheelName, members: Iterable[Member]) -> None:
    """Write a wheel.

    Args:
        path: Of the file, which is written beside first.
        name: Of the wheel.
        members: All files but WHEEL and RECORD.

    Raises:
        ArtifactError: Two files have one name, as systems compare them that don't tell capitals, or one was changed.
        OSError: A file can't be read, or the wheel not be written.
    """
    pure = str(name.tag == ANY).lower()
    wheel = f"Wheel-Version: 1.0\nGenerator: biolord pack\nRoot-Is-Purelib: {pure}\nTag: {name.tag}\n"
    whole = sorted([*members, Member(f"{name.info}/WHEEL", wheel.encode())], key=lambda member: member.name)
    _check_names(whole)
    record = f"{name.info}/RECORD"
    with _beside(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        rows = [_add(archive, member) for member in whole]
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
        _add(archive, Member(record, text.getvalue().encode()))


def _check_names(members: Iterable[Member]) -> None:
    seen: dict[str, str] = {}
    for member in members:
        folded = member.name.casefold()
        if folded in seen:
            raise ArtifactError(
                f"the wheel would hold {seen[folded]!r} and {member.name!r}, one name: don't use this artifact"
            )
        seen[folded] = member.name


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """Give a new file to fill, which then takes a name; never one that is there already, or a link."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as stream:
            yield stream
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _add(archive: zipfile.ZipFile, member: Member) -> tuple[str, str, str]:
    """Add a file; return its row of RECORD."""
    entry = zipfile.ZipInfo(member.name, _EPOCH)
    entry.external_attr = _MODE
    entry.compress_type = zipfile.ZIP_DEFLATED
    with archive.open(entry, "w", force_zip64=True) as target:
        digest, size = member.copy(target)
    encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    return member.name, f"sha256={encoded}", str(size)
