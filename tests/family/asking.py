"""Runs `there.py` in the oracle's environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from oracle.client import REPOSITORY, oracle_python

SCRIPT = Path(__file__).with_name("there.py")


def run_there(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command of the script; its outcome is the caller's to judge."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "PYTHON"))}
    packages = os.pathsep.join(str(REPOSITORY / name) for name in ("runtime", "export"))
    environment |= {"PYTHONPATH": packages, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    command = [str(oracle_python()), str(SCRIPT), *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def succeed_there(*arguments: object) -> None:
    """Run a command of the script that has to succeed."""
    done = run_there(*arguments)
    assert done.returncode == 0, done.stderr


def token_ids_there(tokenizer_json: str, texts: Sequence[str], folder: Path) -> tuple[str, list[list[int]]]:
    """Tokenize with the oracle's release of tokenizers; returns its version and the ids."""
    tokenizer, asked, answer = (folder / name for name in ("tokenizer.json", "texts.json", "ids.json"))
    tokenizer.write_text(tokenizer_json, encoding="utf-8")
    asked.write_text(json.dumps(list(texts)), encoding="utf-8")
    succeed_there("ids", tokenizer, asked, answer)
    found = json.loads(answer.read_text(encoding="utf-8"))
    return found["version"], found["ids"]
