"""What ``biolord pack`` makes, put together: complete under its name, or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import MANIFEST_NAME
from biolord_onnx.errors import InputError
from biolord_onnx.pack.artifact_wheel import NOTICE_NAME, engine_extra, write_artifact_wheel
from biolord_onnx.pack.docker import ARTIFACT, DOCKERFILE, Image, write_context
from biolord_onnx.pack.offline import (
    SCRIPT,
    SUMS,
    WHEELS,
    Machines,
    fetch_wheels,
    write_install_script,
    write_sums,
    write_tar,
)
from biolord_onnx.pack.own_wheel import write_own_wheel
from biolord_onnx.pack.platform_wheel import bring_own_wheel
from biolord_onnx.pack.wheel import ANY, WheelName

TAR = ".tar"
SERVER_EXTRA = "serve"
# What stands in every folder of either kind.
_MARKS = ({SCRIPT, SUMS, WHEELS}, {DOCKERFILE, ARTIFACT, WHEELS})


def pack_wheel(artifact: Artifact, folder: Path, name: WheelName, *, force: bool) -> Path:
    """Write the wheel of an artifact into a folder, which is made if need be.

    Returns:
        The wheel's path.

    Raises:
        InputError: The wheel is there already.
        OSError: It can't be written.
    """
    path = folder / name.file
    _check_free(path, force=force)
    folder.mkdir(parents=True, exist_ok=True)
    return write_artifact_wheel(artifact, folder, name)


def pack_offline(artifact: Artifact, output: Path, name: WheelName, machines: Machines, *, force: bool) -> Path:
    """Write all that a machine without a network needs.

    Args:
        artifact: Whose hashes were checked.
        output: Folder to make; or a .tar file, which holds a folder of its name.
        name: Of the artifact's wheel.
        machines: Where it will be installed.
        force: Replace what is there.

    Returns:
        The folder or file.

    Raises:
        InputError: The output is there already.
        BiolordError: pip could not fetch what is needed, this project's own wheel for that platform for one.
        OSError: The output can't be written.
    """
    with _made(output, force=force) as folder:
        wheels = folder / WHEELS
        wheels.mkdir()
        own = bring_own_wheel(wheels, artifact, machines)
        wheel = write_artifact_wheel(artifact, wheels, name)
        fetch_wheels(wheels, (str(wheel), f"{own}[{engine_extra(artifact)}]"), machines)
        write_install_script(folder, name, machines)
        (folder / NOTICE_NAME).write_text(f"{artifact.manifest.license}\n", "utf-8")
        write_sums(folder)
    return output


def pack_docker(artifact: Artifact, output: Path, image: Image, *, force: bool) -> Path:
    """Write a container's build context.

    Args:
        artifact: Whose hashes were checked.
        output: Folder to make.
        image: What it will be.
        force: Replace what is there.

    Returns:
        The folder.

    Raises:
        InputError: The output is there already.
        BiolordError: pip could not fetch what is needed.
        OSError: The output can't be written.
    """
    with _made(output, force=force) as folder:
        wheels = folder / WHEELS
        wheels.mkdir()
        machines = image.machines
        own = bring_own_wheel(wheels, artifact, machines) if machines else write_own_wheel(wheels, ANY)
        if machines and image.offline:
            fetch_wheels(wheels, (f"{own}[{engine_extra(artifact)},{SERVER_EXTRA}]",), machines)
        write_context(folder, artifact, own, image)
    return output


@contextmanager
def _made(output: Path, *, force: bool) -> Iterator[Path]:
    """Give a folder to fill, which then becomes the output."""
    output = output if output.name else output.absolute()  # "." has no name to put a folder beside
    _check_free(output, force=force)
    _check_replaceable(output)
    if not output.parent.is_dir():
        raise InputError(f"the folder {output.parent} of {output.name} does not exist: make it first")
    work = output.with_name(f".{output.name}.part")
    _remove(work)
    try:
        tarred = output.suffix == TAR
        folder = work / output.stem if tarred else work
        folder.mkdir(parents=True)
        yield folder
        if tarred:
            made = work / output.name
            write_tar(folder, made)
        else:
            made = work
        _put(made, output)
    finally:
        _remove(work)


def _put(made: Path, output: Path) -> None:
    """Give what was made its name; what had it is removed only then."""
    old = output.with_name(f".{output.name}.old")
    _remove(old)
    if output.exists() or output.is_symlink():
        output.replace(old)
    made.replace(output)
    _remove(old)


def _check_free(output: Path, *, force: bool) -> None:
    if output.exists() and not force:
        raise InputError(f"{output} exists: choose another name, or replace it with --force")


def _check_replaceable(output: Path) -> None:
    """Refuse to remove a folder that no pack made: an artifact, say, or the one that the user stands in.

    Raises:
        InputError: It is such a folder, or something of another kind than will be made.
    """
    if not output.is_dir():
        return
    inside = {path.name for path in output.iterdir()}
    ours = any(marks <= inside for marks in _MARKS) and MANIFEST_NAME not in inside
    if output.suffix == TAR or (inside and not ours):
        raise InputError(f"{output} is a folder that biolord pack didn't make: name another, or remove it yourself")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
