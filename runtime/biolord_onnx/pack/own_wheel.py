"""This project's own wheel, made from what is installed: nothing needs to be fetched or built for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path, PurePath

from biolord_onnx import __version__
from biolord_onnx.errors import BiolordError, ProviderError
from biolord_onnx.pack.wheel import ANY, Member, WheelName, write_wheel
from biolord_onnx.session.kernels import library_path

DISTRIBUTION = "biolord-onnx"
PACKAGES = ("biolord_onnx", "biolord_export", "biolord_bench")
OPERATORS = "biolord_onnx/_native/"
TAG_FILE = "TAG"
_METADATA = ("METADATA", "entry_points.txt")
_TAG = re.compile(r"py3-none-[a-z0-9_]+")


def installed_tag() -> str:
    """Return the tag of the wheel that this installation makes: it says which machines the compiled operators run on.

    Raises:
        BiolordError: It doesn't say.
    """
    try:
        file = library_path().with_name(TAG_FILE)
    except ProviderError:
        return ANY
    tag = file.read_text("utf-8").strip() if file.is_file() else None
    if tag is None or not _TAG.fullmatch(tag):
        found = "missing" if tag is None else repr(tag)
        raise BiolordError(
            f"{file} is {found}, expected a tag such as py3-none-win_amd64: install biolord-onnx again, "
            "or make its operators with python hatch_build.py install"
        )
    return tag


def write_own_wheel(folder: Path, tag: str) -> Path:
    """Write the wheel of the biolord-onnx that runs.

    Args:
        folder: Where the wheel goes; it exists.
        tag: `installed_tag()`, or the one for any machine to leave the compiled operators out.

    Returns:
        The wheel's path.

    Raises:
        BiolordError: This biolord-onnx runs from source without being installed.
        OSError: The wheel can't be written.
    """
    name = WheelName(DISTRIBUTION, __version__, tag)
    installed = distribution(DISTRIBUTION)
    if installed.version != __version__:
        raise BiolordError(
            f"biolord-onnx {__version__} runs, and the metadata of {installed.version} is installed: install it again"
        )
    packages = [member for member in own_members() if tag != ANY or not member.name.startswith(OPERATORS)]
    path = folder / name.file
    write_wheel(path, name, [*_metadata(installed, name), *packages])
    return path


def own_members() -> Iterator[Member]:
    """Find the files of the packages that run, compiled operators included."""
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue  # the runtime repackaged alone has neither exporter nor benchmark
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.parent.name != "__pycache__" and not path.name.startswith("."):
                yield Member(f"{package}/{path.relative_to(root).as_posix()}", path)


def _metadata(installed: Distribution, name: WheelName) -> Iterator[Member]:
    for text in _METADATA:
        yield Member(f"{name.info}/{text}", (installed.read_text(text) or "").encode())
    for file in installed.files or []:
        if "licenses" in file.parts:
            below = PurePath(*file.parts[file.parts.index("licenses") :])
            yield Member(f"{name.info}/{below.as_posix()}", Path(str(file.locate())))
