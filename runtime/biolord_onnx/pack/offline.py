"""All that a machine without a network needs: wheels, a script that installs them, and checksums."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

from biolord_onnx.errors import BiolordError, MissingDependencyError
from biolord_onnx.pack.platforms import Platform
from biolord_onnx.pack.wheel import WheelName

WHEELS = "wheels"
SCRIPT = "install.sh"
SUMS = "SHA256SUMS"

_INSTALL = """#!/bin/sh
# Installs {name} and all it needs, without a network: sh install.sh [PYTHON]
# PYTHON is the interpreter to install into, that of a virtual environment, say (default: python3).
set -eu
# Set and exported, it lets cd print where it goes.
unset CDPATH
fail() {{
    printf 'install.sh: %s\\n' "$1" >&2
    exit 2
}}

script=$(readlink -f -- "$0") && here=${{script%/*}} && [ -f "$here/{sums}" ] ||
    fail "$0 is not in its pack: run it where {sums} and {wheels} are"
[ $# -le 1 ] || fail "one Python, or none, is expected: sh install.sh [PYTHON]"
python=${{1:-python3}}
machine=$(uname -m)
[ "$machine" = {machine} ] || fail "this pack is for {machine}, this machine is $machine: make one for that"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || fail "$python does not run"
case "$version" in
    {cases}) ;;
    *) fail "this pack is for Python {pythons}, $python is $version: name another one" ;;
esac
# A 32-bit system may run on a 64-bit kernel, and Alpine has another libc than the wheels are for.
kind=$("$python" -P -c 'import platform, sys
print(sys.maxsize.bit_length() + 1, "bits and", platform.libc_ver()[0] or "another libc")') ||
    fail "$python does not run"
[ "$kind" = "64 bits and glibc" ] ||
    fail "this pack is for a Python with 64 bits and glibc, $python has $kind: name another one"
# With -P, modules of the folder that you stand in are left alone.
"$python" -P -m pip --version > /dev/null || fail "$python has no pip: name the Python of a virtual environment"
(cd "$here/" && sha256sum --check --strict --quiet {sums}) || fail "a file was damaged on its way: copy the pack again"
# pip takes the newest of what it finds, so it must find nothing else.
line_feed='
'
for file in "$here/{wheels}"/* "$here/{wheels}"/.[!.]* "$here/{wheels}"/..?*; do
    [ -e "$file" ] || [ -L "$file" ] || continue
    name={wheels}/${{file##*/}}
    case "$name" in *"$line_feed"*) fail "{wheels} holds a file with a line break in its name: remove it" ;; esac
    # Behind a digest of 64 digits and two blanks.
    cut -c 67- "$here/{sums}" | grep -Fqx -e "$name" ||
        fail "$name is not of this pack, {sums} doesn't list it: remove it, or copy the pack again"
    case "$name" in
        *-any.whl | *linux*_{machine}.whl) ;;
        *.whl) fail "$name is for another machine than {machine}: make the pack again" ;;
    esac
done
# Without variables and settings that make pip look elsewhere, too.
PIP_CONFIG_FILE=/dev/null "$python" -P -m pip --isolated install --quiet --disable-pip-version-check \\
    --no-index --find-links "$here/{wheels}" --only-binary :all: {name}=={version}
bin=$("$python" -P -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
printf '%s\\n' "installed; try: $bin/biolord embed {name} 'Cat scratch injury'"
"""


@dataclass(frozen=True, slots=True)
class Machines:
    """What a pack is made for, and where its wheels come from.

    Attributes:
        platform: Kind of machine.
        pythons: Versions of Python there, such as ``3.11``.
        links: Folder of wheels, beside the index that pip is configured for; or None.
    """

    platform: Platform
    pythons: tuple[str, ...]
    links: Path | None = None


def fetch_wheels(folder: Path, requirements: tuple[str, ...], machines: Machines) -> None:
    """Have pip fetch what wheels ask for, for another machine than this if need be.

    Args:
        folder: Of wheels, to which the others are added.
        requirements: Paths of wheels, with extras in brackets where they are wanted.
        machines: To fetch for.

    Raises:
        MissingDependencyError: There is no pip here.
        BiolordError: pip found no index, or no wheel for the platform.
    """
    places = [folder] if machines.links is None else [folder, machines.links]
    options = [part for place in places for part in ("--find-links", str(place))]
    for python in machines.pythons:
        problem = download(folder, machines.platform, python, *options, *requirements)
        if problem:
            raise BiolordError(
                f"pip could not fetch the wheels for {machines.platform.name}, Python {python}: {problem}: "
                "is an index in reach?"
            )


def download(folder: Path, platform: Platform, python: str, *arguments: str) -> str | None:
    """Run ``pip download`` for a machine, of wheels only.

    Args:
        folder: Where they go.
        platform: Of the machine.
        python: Version there, such as ``3.11``.
        arguments: More options, and requirements.

    Returns:
        pip's reason not to, None if all went well.

    Raises:
        MissingDependencyError: There is no pip here.
    """
    if importlib.util.find_spec("pip") is None:
        raise MissingDependencyError("biolord pack needs pip in this Python to fetch wheels: python -m ensurepip")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--dest", str(folder), "--only-binary", ":all:"]
    command += ["--python-version", python, "--implementation", "cp"]
    command += [part for tag in platform.tags for part in ("--platform", tag)]
    found = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    return None if found.returncode == 0 else _reason(found.stderr)


def _reason(complaint: str) -> str:
    lines = complaint.splitlines()
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    return (errors or lines or ["no reason given"])[-1]


def write_install_script(folder: Path, name: WheelName, machines: Machines) -> None:
    """Write the script that checks the machine and the files, and installs."""
    script = folder / SCRIPT
    script.write_text(
        _INSTALL.format(
            name=name.name,
            version=name.version,
            machine=machines.platform.machine,
            pythons=" or ".join(machines.pythons),
            cases="|".join(machines.pythons),
            sums=SUMS,
            wheels=WHEELS,
        ),
        "utf-8",
    )
    script.chmod(0o755)


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of every file below a folder, as ``sha256sum --check`` reads them."""
    lines = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != SUMS:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            lines.append(f"{digest}  {path.relative_to(folder).as_posix()}\n")
    (folder / SUMS).write_text("".join(lines), "utf-8")


def write_tar(folder: Path, path: Path) -> None:
    """Write a folder as a tar file; wheels are compressed already.

    Args:
        folder: Becomes the only entry at the top.
        path: Of the tar file, which is replaced.
    """

    def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
        # Who made it, and when, is private, and would change the bytes.
        entry.uid = entry.gid = entry.mtime = 0
        entry.uname = entry.gname = ""
        return entry

    with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, arcname=folder.name, filter=plain)
