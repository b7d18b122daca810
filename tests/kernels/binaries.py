"""What a compiled library asks of the machine that loads it, read from its file."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

ELF_MACHINES = {62: "x86_64", 183: "aarch64"}
MACH_MACHINES = {0x01000007: "x86_64", 0x0100000C: "arm64"}
PE_MACHINES = {0x8664: "amd64"}
LOAD_DYLIB, CODE_SIGNATURE, BUILD_VERSION = 0xC, 0x1D, 0x32


@dataclass(frozen=True)
class Binary:
    """A shared library.

    Attributes:
        machine: that it runs on, as platforms are named.
        oldest: release of the system that it runs on: of glibc, or of macOS; none on Windows.
        libraries: of the system, that it loads.
        signed: whether it has a signature, without which Apple's own CPUs run nothing.
    """

    machine: str
    oldest: tuple[int, int] | None
    libraries: frozenset[str]
    signed: bool = False


def read_binary(content: bytes) -> Binary:
    """Read a file of Linux, macOS or Windows."""
    if content.startswith(b"\x7fELF"):
        versions = [(int(major), int(minor)) for major, minor in re.findall(rb"GLIBC_(\d+)\.(\d+)", content)]
        needed = frozenset(name.decode() for name in re.findall(rb"\0((?:lib|ld-)[\w+-]+\.so\.\d+)(?=\0)", content))
        return Binary(ELF_MACHINES[struct.unpack_from("<H", content, 18)[0]], max(versions), needed)
    if content.startswith(b"MZ"):
        (header,) = struct.unpack_from("<I", content, 0x3C)
        assert content[header : header + 4] == b"PE\0\0"
        names = re.findall(rb"\0([\w-]+\.dll)(?=\0)", content, re.IGNORECASE)
        libraries = frozenset(name.decode().lower() for name in names)
        return Binary(PE_MACHINES[struct.unpack_from("<H", content, header + 4)[0]], None, libraries)
    return _read_mach(content)


def _read_mach(content: bytes) -> Binary:
    assert content.startswith(b"\xcf\xfa\xed\xfe")
    oldest, libraries, signed = None, set(), False
    for command, place in _load_commands(content):
        if command == LOAD_DYLIB:
            start = place + struct.unpack_from("<I", content, place + 8)[0]
            libraries.add(content[start : content.index(b"\0", start)].decode())
        elif command == BUILD_VERSION:
            (version,) = struct.unpack_from("<I", content, place + 12)
            oldest = (version >> 16, version >> 8 & 0xFF)
        signed |= command == CODE_SIGNATURE
    return Binary(MACH_MACHINES[struct.unpack_from("<I", content, 4)[0]], oldest, frozenset(libraries), signed)


def _load_commands(content: bytes) -> Iterator[tuple[int, int]]:
    (count,) = struct.unpack_from("<I", content, 16)
    place = 32
    for _ in range(count):
        command, size = struct.unpack_from("<II", content, place)
        yield command, place
        place += size
