"""This project's own wheel, made from what is installed: nothing needs to be fetched or built for it."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from importlib.util import find_spec
from pathlib import Path

from biolord_onnx import __version__
from biolord_onnx.errors import BiolordError
from biolord_onnx.pack.wheel import Member, WheelName, write_wheel

DISTRIBUTION = "biolord-onnx"
PACKAGES = ("biolord_onnx", "biolord_export", "biolord_bench")
_METADATA = ("METADATA", "entry_points.txt")
# What Python compiled, and the operators compiled for this machine: the wheel is for any.
_LEFT_OUT = {"__pycache__", "_native"}


def write_own_wheel(folder: Path) -> Path:
    """Write the wheel of the biolord-onnx that runs.

    Args:
        folder: where the wheel goes; it exists.

    Returns:
        The wheel's path.

    Raises:
        BiolordError: this biolord-onnx runs from source without being installed.
        OSError: the wheel can't be written.
    """
    name = WheelName(DISTRIBUTION, __version__)
    installed = distribution(DISTRIBUTION)
    if installed.version != __version__:
        raise BiolordError(
            f"biolord-onnx {__version__} runs, and the metadata of {installed.version} is installed: install it again"
        )
    members = [*_metadata(installed, name), *_sources()]
    path = folder / name.file
    write_wheel(path, name, members)
    return path


def _metadata(installed: Distribution, name: WheelName) -> Iterator[Member]:
    for text in _METADATA:
        yield Member(f"{name.info}/{text}", (installed.read_text(text) or "").encode())
    for file in installed.files or []:
        if "licenses" in file.parts:
            yield Member(f"{name.info}/licenses/{file.name}", Path(str(file.locate())))


def _sources() -> Iterator[Member]:
    for package in PACKAGES:
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue  # whoever repackages the runtime alone has neither exporter nor benchmark
        root = Path(spec.origin).parent
        for path in sorted(root.rglob("*")):
            if path.is_file() and not _LEFT_OUT & {*path.relative_to(root).parts}:
                yield Member(f"{package}/{path.relative_to(root).as_posix()}", path)
