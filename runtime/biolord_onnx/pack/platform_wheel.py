"""This project's own wheel for a platform: that of this machine from what is installed, another one's fetched.

What is fetched must be the biolord-onnx that runs here, but for the compiled operators: a release of the same number
may be another one than a clone holds.
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

from biolord_onnx import __version__
from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.errors import BiolordError
from biolord_onnx.pack.offline import Machines, download
from biolord_onnx.pack.own_wheel import DISTRIBUTION, OPERATORS, PACKAGES, installed_tag, own_members, write_own_wheel
from biolord_onnx.pack.platforms import Platform
from biolord_onnx.pack.wheel import ANY, WheelName

_MAKE = "make it with python hatch_build.py wheels FOLDER in a clone of this version, and give --find-links FOLDER"


def bring_own_wheel(folder: Path, artifact: Artifact, machines: Machines) -> Path:
    """Put the biolord-onnx that runs here into a folder, with the operators of a platform if an artifact needs them.

    Args:
        folder: Where the wheel goes; it exists.
        artifact: What will run there.
        machines: Where; their wheel is looked for in `machines.links`, or without it in the index that pip asks.

    Returns:
        The wheel's path.

    Raises:
        BiolordError: There is no such wheel, or it is another biolord-onnx.
        OSError: The wheel can't be written.
    """
    tag = installed_tag()
    if machines.platform.runs(tag):
        return write_own_wheel(folder, tag)
    if not artifact.manifest.requires.operators:
        return write_own_wheel(folder, ANY)
    wheel = _fetch(folder, machines)
    check_own_wheel(wheel)
    return wheel


def _fetch(folder: Path, machines: Machines) -> Path:
    links = machines.links
    places = [] if links is None else ["--no-index", "--find-links", str(links)]
    requirement = f"{DISTRIBUTION}=={__version__}"
    problem = download(folder, machines.platform, machines.pythons[0], "--no-deps", *places, requirement)
    wheel = _find(folder, machines.platform)
    if wheel is not None:
        return wheel
    where = "the index" if links is None else str(links)
    reason = problem or "only one without operators is there"
    raise BiolordError(
        f"{where} has no {DISTRIBUTION} {__version__} for {machines.platform.name} ({reason}), and the artifact needs "
        f"its compiled operators: {_MAKE}"
    )


def _find(folder: Path, platform: Platform) -> Path | None:
    names = [WheelName(DISTRIBUTION, __version__, f"py3-none-{tag}").file for tag in platform.tags]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def check_own_wheel(wheel: Path) -> None:
    """Check that a wheel holds the biolord-onnx that runs here, and compiled operators.

    Raises:
        BiolordError: It doesn't.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.partition("/")[0] in PACKAGES and not name.endswith("/")]
        theirs = {name: hashlib.sha256(archive.read(name)).hexdigest() for name in names}
    ours = {member.name: member.digest() for member in own_members()}
    operators = [name for name in theirs if name.startswith(OPERATORS)]
    differing = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}
    differing = {name for name in differing if not name.startswith(OPERATORS)}
    if differing or not operators:
        what = f"{len(differing)} of its files differ, such as {min(differing)}" if differing else "it has no operators"
        raise BiolordError(
            f"{wheel.name} isn't the {DISTRIBUTION} {__version__} that runs here ({what}): install the same, or {_MAKE}"
        )
