"""Writes docs/reference/cli.md from what `biolord COMMAND --help` prints."""

from __future__ import annotations

import os
import subprocess

from biolord_onnx.cli.main import _modules
from unit.runtime.command import COMMAND

COLUMNS = "100"
HEAD = """\
# Command line

<!-- written by make reference-pages from biolord COMMAND --help -->

Results go to standard output, everything else to standard error. Exit codes are 0, 1 for a fidelity below its gate, and
2 for an error, which is told in one line; [Embed files](../guides/embed-files.md#exit-codes) has the others.
"""


def page() -> str:
    """Return the page."""
    sections = (f"## biolord {name}\n\n```text\n{shown(name)}```\n" for name in sorted(_modules()))
    return "\n".join([HEAD, f"```text\n{shown()}```\n", *sections])


def shown(*command: str) -> str:
    """Return what a command says of itself, in lines of the same length on any terminal."""
    environment = {**os.environ, "COLUMNS": COLUMNS, "NO_COLOR": "1"}
    done = subprocess.run(
        [*COMMAND, *command, "--help"], env=environment, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return done.stdout
