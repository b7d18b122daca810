"""``biolord pack``: an artifact as something to carry."""

from __future__ import annotations

import argparse
import platform
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cli.arguments import add_artifact
from biolord_onnx.cli.output import say, tell
from biolord_onnx.errors import InputError
from biolord_onnx.printable import escape

if TYPE_CHECKING:
    from biolord_onnx.artifact.folder import Artifact
    from biolord_onnx.pack.platforms import Platform

SUMMARY = "pack an artifact as a wheel, for machines without a network, or for a container"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument(
        "--wheel",
        metavar="OUT",
        type=Path,
        help="folder for a wheel that holds the artifact; with --offline-for a folder or a .tar file for all it needs",
    )
    parser.add_argument("--docker", metavar="OUT", type=Path, help="folder for a build context of a server")
    parser.add_argument(
        "--offline-for", metavar="PLATFORM", help="add every wheel that is needed there: linux-x86_64, linux-aarch64"
    )
    parser.add_argument(
        "--python",
        metavar="3.X",
        help="version of Python there; for --wheel also several, with commas between (default: this one's)",
    )
    parser.add_argument(
        "--find-links",
        metavar="FOLDER",
        type=Path,
        help="folder of wheels, beside pip's index: biolord-onnx's own for other platforms, say",
    )
    parser.add_argument("--name", help="what the artifact will be called (default: its own name)")
    parser.add_argument("--version", dest="wheel_version", help="of the wheel (default: follows from the content)")
    parser.add_argument("--force", action="store_true", help="replace what is there")


def run(args: argparse.Namespace) -> int:
    """Pack."""
    if (args.wheel is None) == (args.docker is None):
        raise InputError("give one of --wheel OUT and --docker OUT")
    from biolord_onnx.artifact.folder import open_artifact
    from biolord_onnx.pack.platforms import find_platform

    target = None if args.offline_for is None else find_platform(args.offline_for)
    pythons = _pythons(args)
    if args.find_links is not None and not args.find_links.is_dir():
        raise InputError(f"--find-links is {args.find_links}, expected a folder of wheels")
    artifact = open_artifact(args.artifact)
    if args.docker is not None:
        _docker(args, artifact, target, pythons)
    else:
        _wheel(args, artifact, target, pythons)
    return 0


def _wheel(args: argparse.Namespace, artifact: Artifact, target: Platform | None, pythons: tuple[str, ...]) -> None:
    from biolord_onnx.pack.artifact_wheel import name_wheel
    from biolord_onnx.pack.build import pack_offline, pack_wheel
    from biolord_onnx.pack.offline import Machines

    name = name_wheel(artifact, args.name, args.wheel_version)
    if target is None:
        for option, value in (("--python", args.python), ("--find-links", args.find_links)):
            if value is not None:
                raise InputError(f"{option} is given without --offline-for: the wheel itself is for any machine")
        if args.wheel.suffix == ".tar":
            raise InputError(f"--wheel is {args.wheel}, and a single wheel needs a folder: name one, or --offline-for")
        made = pack_wheel(artifact, args.wheel, name, force=args.force)
        say(f"{escape(str(made))}: {_megabytes(made)} MB")
        say(f"install: pip install {_typed(made)}")
    else:
        made = pack_offline(artifact, args.wheel, name, Machines(target, pythons, args.find_links), force=args.force)
        _print_sizes(made)
        folder = made.with_suffix("") if made.is_file() else made
        unpack = f"tar xf {_typed(made.name)} && " if made.is_file() else ""
        say(f"install there: {unpack}sh {_typed(folder.name)}/install.sh PYTHON")
    say(f'then: biolord embed {name.name} "Cat scratch injury"')
    tell(artifact.manifest.license)


def _docker(args: argparse.Namespace, artifact: Artifact, target: Platform | None, pythons: tuple[str, ...]) -> None:
    from biolord_onnx.pack.build import pack_docker
    from biolord_onnx.pack.docker import Image
    from biolord_onnx.pack.offline import Machines
    from biolord_onnx.pack.platforms import container_platform

    for option, value in (("--name", args.name), ("--version", args.wheel_version)):
        if value is not None:
            raise InputError(f"{option} is for --wheel: a container is named by docker build --tag")
    if len(pythons) > 1:
        raise InputError(f"--python is {args.python}, and an image has one Python: name one")
    where = target or (container_platform() if artifact.manifest.requires.operators else None)
    machines = None if where is None else Machines(where, pythons, args.find_links)
    image = Image(pythons[0], machines, offline=target is not None)
    made = pack_docker(artifact, args.docker, image, force=args.force)
    _print_sizes(made)
    say(f"build: docker build {image.build_options(artifact)} {_typed(made)}")
    tell(artifact.manifest.license)


def _pythons(args: argparse.Namespace) -> tuple[str, ...]:
    from biolord_onnx.pack.platforms import check_pythons

    here = ".".join(platform.python_version_tuple()[:2])
    pythons = tuple(dict.fromkeys((args.python or here).split(",")))
    if args.python is not None or args.docker is not None or args.offline_for is not None:
        check_pythons(pythons)
    return pythons


def _typed(path: Path | str) -> str:
    """Return a path as it can be typed into a shell, where it is no option either."""
    text = str(path)
    return shlex.quote(f"./{text}" if text.startswith("-") else text)


def _print_sizes(made: Path) -> None:
    if made.is_dir():
        for path in sorted(made.rglob("*")):
            if path.is_file():
                say(f"{_megabytes(path):>8} MB  {escape(str(path.relative_to(made)))}")
    say(f"{_megabytes(made):>8} MB  {escape(str(made))}")


def _megabytes(path: Path) -> str:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f}"
