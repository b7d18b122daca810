"""The entry point ``biolord``: finds the command, runs it, turns errors into one line and an exit code.

A command is a module with ``SUMMARY``, ``configure(parser)`` and ``run(args)``. Those of this package are
listed here; an installed package adds its own through the entry-point group ``biolord.commands`` (name =
module).
Only the module of the command that runs is imported, so the command line starts fast.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from biolord_onnx import __version__
from biolord_onnx.cli.interrupts import Terminated, interrupted_once
from biolord_onnx.cli.output import say, tell
from biolord_onnx.cli.streams import standard_streams
from biolord_onnx.errors import BiolordError, InputError
from biolord_onnx.printable import escape

COMMANDS = {
    "info": "biolord_onnx.cli.info",
    "embed": "biolord_onnx.cli.embed",
    "index": "biolord_onnx.cli.names.index",
    "search": "biolord_onnx.cli.names.search",
    "link": "biolord_onnx.cli.names.link",
    "similar": "biolord_onnx.cli.similar",
    "serve": "biolord_onnx.cli.serve",
    "pack": "biolord_onnx.cli.pack",
}
ENTRY_POINT_GROUP = "biolord.commands"

# As the shell reports a process ended by SIGINT or SIGPIPE.
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141


class Command(Protocol):
    """What a command's module holds."""

    SUMMARY: str

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments."""

    def run(self, args: argparse.Namespace) -> int:
        """Run the command; return the exit code."""


class Writable(Protocol):
    """What argparse prints to."""

    def write(self, text: str, /) -> object:
        """Write a text."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are exceptions, not a usage text and an exit."""

    def error(self, message: str) -> NoReturn:
        """Raise the error.

        Raises:
            InputError: Always.
        """
        raise InputError(f"{message} (see {self.prog} --help)")

    def _print_message(self, message: str, file: Writable | None = None) -> None:
        """Print help or the version; argparse's own method takes a full disk for success."""
        (file or sys.stdout).write(message)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the program's name; None takes the process's.

    Returns:
        0, or 2 for an error that the user can fix, results that could not be written included, 1 for a failed
        fidelity gate, 130 after Ctrl-C, and 143 after SIGTERM, 129 after SIGHUP where the command cleans up after them,
        141 where the reader of standard output has had enough.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    with standard_streams():
        if argv is None:
            warnings.showwarning = lambda message, *_, **__: tell(f"biolord: {escape(str(message))}")
        return _run(arguments, ends_process=argv is None)


def _run(arguments: list[str], *, ends_process: bool) -> int:
    try:
        with interrupted_once(ends_process=ends_process):
            code = _dispatch(arguments)
        sys.stdout.flush()
    except Terminated as terminated:
        return terminated.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return EXIT_BROKEN_PIPE
    except (BiolordError, OSError, MemoryError) as error:
        if "--debug" in arguments:
            import traceback

            traceback.print_exc()
        tell(f"biolord: {_one_line(error)}")
        return error.exit_code if isinstance(error, BiolordError) else BiolordError.exit_code
    return code


def _dispatch(arguments: list[str]) -> int:
    parser = Parser(prog="biolord", add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="version", version=f"biolord {__version__}")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("command", nargs="?")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    try:
        found = parser.parse_args(arguments)
        if found.help:
            say(_overview())
            return 0
        command, parsed = _parse(found.command, found.arguments)
    except SystemExit:  # argparse has printed help or a version
        return 0
    return command.run(parsed)


def _parse(name: str | None, arguments: list[str]) -> tuple[Command, argparse.Namespace]:
    if name is None:
        raise InputError(f"no command given, expected one of {', '.join(_modules())} (see biolord --help)")
    command = _load(name)
    parser = Parser(prog=f"biolord {name}", description=command.SUMMARY, allow_abbrev=False)
    command.configure(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    # Intermixed, so that texts may stand behind options.
    return command, parser.parse_intermixed_args(arguments)


def _load(name: str) -> Command:
    modules = COMMANDS if name in COMMANDS else _modules()
    if name not in modules:
        raise InputError(f"there is no command {name!r}, expected one of {', '.join(modules)}")
    return cast("Command", import_module(modules[name]))


def _modules() -> dict[str, str]:
    # Importing this and reading the entry points take longer than the rest of the start.
    from importlib.metadata import entry_points

    return COMMANDS | {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}


def _overview() -> str:
    lines = [f"  {name:<10} {_load(name).SUMMARY}" for name in _modules()]
    return "\n".join(
        [
            "usage: biolord COMMAND [ARGUMENTS]",
            "",
            "Biomedical text embeddings from a quantized ONNX artifact.",
            "",
            "commands:",
            *lines,
            "",
            "biolord COMMAND --help tells about one command; --version; --debug shows tracebacks.",
        ]
    )


def _one_line(error: BiolordError | OSError | MemoryError) -> str:
    message = str(error)
    if isinstance(error, MemoryError):
        # numpy says how much it asked for, Python nothing.
        message = f"there is not enough memory{f' ({message})' if message else ''}: try fewer texts at once"
    if isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    return escape(" ".join(message.split()))


if __name__ == "__main__":
    sys.exit(main())
