"""Machines that a pack can be made for. A platform is a row."""

from __future__ import annotations

from dataclasses import dataclass

from biolord_onnx.errors import InputError

PYTHONS = ("3.11", "3.12", "3.13")
# glibc 2.17 to 2.28: whatever runs a current onnxruntime has them (Debian 10, Ubuntu 20.04, RHEL 8).
_GLIBC_MINORS = range(28, 16, -1)


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of machine.

    Attributes:
        name: what users call it.
        machine: what ``uname -m`` prints there.
        tags: platform tags of wheels that run there, best first.
    """

    name: str
    machine: str
    tags: tuple[str, ...]


def _linux(machine: str) -> Platform:
    tags = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS]
    return Platform(f"linux-{machine}", machine, (*tags, f"manylinux2014_{machine}"))


PLATFORMS = {platform.name: platform for platform in (_linux("x86_64"), _linux("aarch64"))}


def find_platform(name: str) -> Platform:
    """Look a platform up.

    Raises:
        InputError: there is none of the name.
    """
    if name not in PLATFORMS:
        raise InputError(f"--offline-for is {name!r}, expected one of {', '.join(PLATFORMS)}")
    return PLATFORMS[name]


def check_pythons(versions: tuple[str, ...]) -> None:
    """Check versions of Python.

    Raises:
        InputError: one isn't supported.
    """
    for version in versions:
        if version not in PYTHONS:
            raise InputError(f"--python has {version!r}, expected some of {', '.join(PYTHONS)}")
