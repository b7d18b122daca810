"""Makes what the peers need, once: environments and converted models. Everything lies in the build folder.

A thing is made under another name or marked with a stamp at the end, so that an interrupted run makes it again.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from biolord_bench.peers.rows import Peer
from biolord_bench.run.driver import Report
from biolord_bench.run.jobs import Job
from biolord_bench.run.process import OFFLINE, reason
from biolord_bench.worker.tool import Settings, sentence_length
from biolord_bench.workloads.writer import calibration_texts

BUILD_VARIABLE = "BIOLORD_BENCH_BUILD"
REQUIREMENTS = Path(__file__).parents[1] / "peers" / "requirements"
CONVERTER_ENVIRONMENT = "optimum"
_MODEL_FILES = frozenset({".onnx", ".data", ".bin", ".xml", ".safetensors"})
_PACKAGES = ("biolord_bench", "biolord_export", "biolord_onnx")


class PreparationError(Exception):
    """Something that a peer needs can't be made; the message is the reason that the maker gave."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes what is missing.

    Attributes:
        checkpoint: The checkpoint that every tool encodes with.
        threads: Cores that each may use.
    """

    build: Path
    checkpoint: Path
    threads: int
    report: Report

    def job(self, peer: Peer) -> Job:
        """Make what a peer needs; a job whose things can't be made has the reason instead."""
        job = Job(
            name=peer.name,
            python=Path(sys.executable),
            settings=Settings(peer.adapter, str(self.checkpoint), self.threads, peer.variant),
            model=self.checkpoint,
            limit=sentence_length(str(self.checkpoint)),
            tool=peer.tool,
            engine=peer.engine,
            provider=peer.provider,
            setting=peer.setting,
            asks_hub=peer.asks_hub,
            error=peer.reason,
        )
        if peer.reason is not None:
            return job
        try:
            python, model = self.environment(peer.environment), self.model(peer.model)
        except PreparationError as error:
            self.report(f"{peer.name}: {error}")
            return replace(job, error=str(error))
        settings = replace(job.settings, model=str(model))
        return replace(job, python=python, settings=settings, file_mb=_megabytes(model), packages=self.packages())

    def environment(self, name: str) -> Path:
        """Make a virtual environment from its requirements file and return its interpreter.

        Raises:
            PreparationError: pip can't install it.
        """
        requirements = REQUIREMENTS / f"{name}.txt"
        folder = self.build / "venvs" / name
        python, stamp = folder / "bin" / "python", folder / ".made-from"
        wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != wanted:
            self.report(f"environment {name}: installing {requirements.name}")
            shutil.rmtree(folder, ignore_errors=True)
            self._run([sys.executable, "-m", "venv", str(folder)])
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            self._run([*pip, "-r", str(requirements)])
            stamp.write_text(wanted, encoding="utf-8")
        return python

    def model(self, conversion: str) -> Path:
        """Return the folder of a model, converted if need be.

        Args:
            conversion: ``checkpoint`` or one of `biolord_bench.peers.convert`.

        Raises:
            PreparationError: The conversion failed.
        """
        if conversion == "checkpoint":
            return self.checkpoint
        out = self.build / "models" / f"{self.checkpoint.name}-{conversion}"
        if not out.exists():
            self.report(f"{out.name}: converting")
            out.parent.mkdir(parents=True, exist_ok=True)
            python = self.environment(CONVERTER_ENVIRONMENT)
            command = [str(python), "-m", "biolord_bench.peers.convert", conversion, str(self.checkpoint), str(out)]
            self._run([*command, "--calibration", str(self._calibration())])
        return out

    def packages(self) -> Path:
        """Return a folder with nothing but this project's packages, for environments that it isn't installed in."""
        folder = self.build / "packages"
        folder.mkdir(parents=True, exist_ok=True)
        for package in _PACKAGES:
            spec = find_spec(package)
            source, link = Path(str(spec and spec.origin)).parent, folder / package
            if not link.is_symlink() or link.readlink() != source:
                link.unlink(missing_ok=True)
                link.symlink_to(source)
        return folder

    def _calibration(self) -> Path:
        folder = self.build / "calibration"
        folder.mkdir(parents=True, exist_ok=True)
        lines = "".join(json.dumps({"text": text}) + "\n" for text in calibration_texts())
        (folder / "train.jsonl").write_text(lines, encoding="utf-8")
        return folder

    def _run(self, command: Sequence[str]) -> None:
        more = {"HF_DATASETS_OFFLINE": "1", "HF_HOME": str(self.build / "huggingface")}
        done = subprocess.run(
            command,
            env={**os.environ, **OFFLINE, **more, "PYTHONPATH": str(self.packages())},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise PreparationError(reason(done.stderr) or f"{command[0]} ended with code {done.returncode}")


def build_folder() -> Path:
    """Return the folder of environments and models: that of the variable, else one in the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get(BUILD_VARIABLE) or cache / "biolord-onnx" / "bench").resolve()


def _megabytes(folder: Path) -> float:
    """Return the size of the files that carry a model."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in _MODEL_FILES) / 1e6
