"""Where the portable targets are made and run: environments that have what the tests' own must not."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
NODE_FOLDER = REPOSITORY / "tests" / "node"


def interpreter(name: str) -> Path:
    """Return the Python of the environment ``oracle`` or ``portable``: `$BIOLORD_<NAME>_PYTHON`, else `.venv-<name>`.

    Raises:
        FileNotFoundError: It isn't there. Nothing is skipped: it would look like a pass.
    """
    variable = f"BIOLORD_{name.upper()}_PYTHON"
    python = Path(os.environ.get(variable) or REPOSITORY / f".venv-{name}" / "bin" / "python")
    if not python.is_file():
        raise FileNotFoundError(f"no {name} environment at {python}: run `make .venv-{name}/.ready`, or set {variable}")
    return python


def node() -> Path:
    """Return the portable environment's own Node.

    Raises:
        FileNotFoundError: The environment isn't there.
    """
    return interpreter("portable").with_name("node")


def run(command: Sequence[str | Path], folder: Path = REPOSITORY) -> str:
    """Run a command offline; returns its stdout, and its complaint is the error."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    environment |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        words = " ".join(map(str, command))
        raise RuntimeError(f"{words} failed with exit code {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout
