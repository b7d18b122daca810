"""Machines that a pack can be made for. A platform is a row."""

from __future__ import annotations

import platform
from dataclasses import dataclass

from biolord_onnx.errors import InputError

PYTHONS = ("3.11", "3.12", "3.13")
# glibc 2.17 to 2.28: whatever runs a current onnxruntime has them (Debian 10, Ubuntu 20.04, RHEL 8).
_GLIBC_MINORS = range(28, 16, -1)


@dataclass(frozen=True, slots=True)
class Platform:
    """A kind of machine.

    Attributes:
        name: What users call it.
        machine: What ``uname -m`` prints there.
        container: What ``docker build --platform`` calls it.
        tags: Platform tags of wheels that run there, best first.
    """

    name: str
    machine: str
    container: str
    tags: tuple[str, ...]

    def runs(self, tag: str) -> bool:
        """Tell whether a wheel with compiled operators runs there.

        Args:
            tag: Of the wheel, such as ``py3-none-manylinux_2_17_x86_64``.
        """
        return tag.removeprefix("py3-none-") in self.tags


def _linux(machine: str, container: str) -> Platform:
    tags = [f"manylinux_2_{minor}_{machine}" for minor in _GLIBC_MINORS]
    return Platform(f"linux-{machine}", machine, container, (*tags, f"manylinux2014_{machine}"))


PLATFORMS = {one.name: one for one in (_linux("x86_64", "linux/amd64"), _linux("aarch64", "linux/arm64"))}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}  # as Windows and macOS call them


def find_platform(name: str) -> Platform:
    """Look a platform up.

    Raises:
        InputError: There is none of the name.
    """
    if name not in PLATFORMS:
        raise InputError(f"--offline-for is {name!r}, expected one of {', '.join(PLATFORMS)}")
    return PLATFORMS[name]


def container_platform() -> Platform:
    """Return the platform of the containers that run on this machine, whatever its system.

    Raises:
        InputError: Packs are made for none such.
    """
    machine = platform.machine().lower()
    name = f"linux-{_MACHINES.get(machine, machine)}"
    if name not in PLATFORMS:
        raise InputError(f"this machine is {machine}: name the image's with --offline-for {' or '.join(PLATFORMS)}")
    return PLATFORMS[name]


def check_pythons(versions: tuple[str, ...]) -> None:
    """Check versions of Python.

    Raises:
        InputError: One isn't supported.
    """
    for version in versions:
        if version not in PYTHONS:
            raise InputError(f"--python has {version!r}, expected some of {', '.join(PYTHONS)}")
