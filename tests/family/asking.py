"""Runs `there.py` in the oracle's environment."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from oracle.client import REPOSITORY, oracle_python

SCRIPT = Path(__file__).with_name("there.py")


def run_there(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the script, with more environment variables; its outcome is the caller's to judge."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "PYTHON"))}
    packages = os.pathsep.join(str(REPOSITORY / name) for name in ("runtime", "export"))
    environment |= {"PYTHONPATH": packages, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", **variables}
    command = [str(oracle_python()), str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def succeed_there(*arguments: object) -> None:
    """Run a command of the script that has to succeed."""
    done = run_there(*arguments)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True)
class Question:
    """What to tokenize, and with what, by name: see `there.token_ids`."""

    texts: list[str]
    files: dict[str, str]
    folders: dict[str, str]
    models: dict[str, str]


def token_ids_there(question: Question, folder: Path) -> tuple[str, dict[str, list[list[int]]]]:
    """Tokenize in the oracle's environment; returns its version of tokenizers and the ids by name."""
    asked, answer = folder / "question.json", folder / "answer.json"
    asked.write_text(json.dumps(asdict(question)), encoding="utf-8")
    succeed_there("ids", asked, answer)
    found = json.loads(answer.read_text(encoding="utf-8"))
    return found["version"], found["ids"]
