"""The entry point ``biolord``: finds the command, runs it, turns errors into one line and an exit code.

A command is a module with ``SUMMARY``, ``configure(parser)`` and ``run(args)``. Those of this package are
listed here; an installed package adds its own through the entry-point group ``biolord.commands`` (name =
module).
Only the module of the command that runs is imported, so the command line starts fast.
"""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn, Protocol, cast

from biolord_onnx import __version__
from biolord_onnx.cli.interrupts import Terminated, interrupted_once
from biolord_onnx.errors import BiolordError, InputError

COMMANDS = {
    "info": "biolord_onnx.cli.info",
    "embed": "biolord_onnx.cli.embed",
    "similar": "biolord_onnx.cli.similar",
    "serve": "biolord_onnx.cli.serve",
    "pack": "biolord_onnx.cli.pack",
    "bench": "biolord_onnx.cli.bench",
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


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are exceptions, not a usage text and an exit."""

    def error(self, message: str) -> NoReturn:
        """Raise the error.

        Raises:
            InputError: always.
        """
        raise InputError(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: arguments without the program's name; None takes the process's.

    Returns:
        0, or 2 for an error that the user can mend, 1 for a failed fidelity gate, 130 after Ctrl-C, and 143 after
        SIGTERM, 129 after SIGHUP where the command cleans up after them.
    """
    arguments = sys.argv[1:] if argv is None else list(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that can't show a character gets its escape, not an error.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        with interrupted_once(ends_process=argv is None):
            code = _dispatch(arguments)
        sys.stdout.flush()
    except Terminated as terminated:
        return terminated.exit_code
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # `biolord ... | head`: the reader has enough. Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_BROKEN_PIPE
    except (BiolordError, OSError) as error:
        if "--debug" in arguments:
            import traceback

            traceback.print_exc()
        sys.stderr.write(f"biolord: {_one_line(error)}\n")
        return error.exit_code if isinstance(error, BiolordError) else BiolordError.exit_code
    return code


def _dispatch(arguments: list[str]) -> int:
    parser = Parser(prog="biolord", add_help=False, allow_abbrev=False)
    parser.add_argument("-h", "--help", action="store_true")
    parser.add_argument("--version", action="version", version=f"biolord {__version__}")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("command", nargs="?")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    found = parser.parse_args(arguments)
    if found.help:
        sys.stdout.write(_overview())
        return 0
    if found.command is None:
        raise InputError(f"no command given, expected one of {', '.join(_modules())} (see biolord --help)")
    command = _load(found.command)
    return command.run(_parse(found.command, command, found.arguments))


def _parse(name: str, command: Command, arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog=f"biolord {name}", description=command.SUMMARY, allow_abbrev=False)
    command.configure(parser)
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    # Intermixed, so that texts may stand behind options.
    return parser.parse_intermixed_args(arguments)


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
            "Biomedical text embeddings from a quantised ONNX artefact.",
            "",
            "commands:",
            *lines,
            "",
            "biolord COMMAND --help tells about one command; --version; --debug shows tracebacks.",
            "",
        ]
    )


def _one_line(error: BiolordError | OSError) -> str:
    message = str(error)
    if isinstance(error, OSError) and error.filename is not None:
        message = f"{error.filename}: {error.strerror}"
    return " ".join(message.split())


if __name__ == "__main__":
    sys.exit(main())
