"""Asks sentence-transformers, in an environment of its own, what it makes of some texts.

    def test_vectors(oracle: Oracle) -> None:
        expected = oracle(model_folder, ["Cat scratch injury"])
        expected.vectors  # float32 [1, dim]

The interpreter is `$BIOLORD_ORACLE_PYTHON`, else `.venv-oracle/bin/python` in the repository (`make test`
makes it). Answers are kept under a digest of everything they follow from: the request, the checkpoint's
bytes, the script and the packages of that environment.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

SCRIPT = Path(__file__).with_name("encode.py")
REPOSITORY = SCRIPT.parents[2]
THREADS = 2


@dataclass(frozen=True)
class OracleResult:
    """What sentence-transformers says.

    Attributes:
        vectors: float32 [texts, dim], as `SentenceTransformer.encode` returns them.
        token_ids: One int64 array a text, special tokens in, truncated.
        max_length: The limit that truncated them; None where the checkpoint states none.
        versions: Of the packages that said so.
    """

    vectors: npt.NDArray[np.float32]
    token_ids: list[npt.NDArray[np.int64]]
    max_length: int | None
    versions: Mapping[str, str]


@dataclass(frozen=True)
class Oracle:
    """A way to ask: which interpreter, and where its answers are kept."""

    python: Path
    cache: Path

    def __call__(
        self,
        model: Path,
        texts: Sequence[str],
        *,
        pooling: str | None = None,
        max_length: int | None = None,
        batch_size: int = 16,
    ) -> OracleResult:
        """Encode texts with a checkpoint folder, or with other pooling or another limit than its own."""
        request = _request(model, texts, pooling=pooling, max_length=max_length, batch_size=batch_size)
        return self._answer([(model, request)])[0]

    def of_all(self, models: Sequence[Path], texts: Sequence[str]) -> list[OracleResult]:
        """Encode texts with several checkpoint folders, all in one process."""
        return self._answer([(model, _request(model, texts)) for model in models])

    def _answer(self, asked: Sequence[tuple[Path, Mapping[str, object]]]) -> list[OracleResult]:
        answers = {self.cache / f"{self._digest(model, request)}.npz": request for model, request in asked}
        self._ask({answer: request for answer, request in answers.items() if not answer.exists()})
        return [read(self.cache / f"{self._digest(model, request)}.npz") for model, request in asked]

    def _ask(self, missing: Mapping[Path, Mapping[str, object]]) -> None:
        if not missing:
            return
        self.cache.mkdir(parents=True, exist_ok=True)
        files = {answer: answer.with_suffix(f".{os.getpid()}.json") for answer in missing}
        made = {answer: answer.with_suffix(f".{os.getpid()}.npz") for answer in missing}
        for answer, request in missing.items():
            files[answer].write_text(json.dumps({**request, "output": str(made[answer])}), encoding="utf-8")
        try:
            run(self.python, *files.values())
            for answer, path in made.items():
                path.replace(answer)
        finally:
            for path in (*files.values(), *made.values()):
                path.unlink(missing_ok=True)

    def _digest(self, model: Path, request: Mapping[str, object]) -> str:
        """Digest everything the answer follows from; where the checkpoint lies does not matter."""
        parts = {
            "request": {key: value for key, value in request.items() if key != "model"},
            "model": folder_digest(model.resolve()),
            "script": hashlib.sha256(SCRIPT.read_bytes()).hexdigest(),
            "packages": installed(self.python),
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _request(
    model: Path,
    texts: Sequence[str],
    *,
    pooling: str | None = None,
    max_length: int | None = None,
    batch_size: int = 16,
) -> dict[str, object]:
    return {
        "model": str(model.resolve()),
        "texts": list(texts),
        "pooling": pooling,
        "max_length": max_length,
        "batch_size": batch_size,
        "threads": THREADS,
    }


def oracle_python() -> Path:
    """Return the oracle's interpreter.

    Raises:
        FileNotFoundError: It isn't there. The comparison is not skipped: it would look like a pass.
    """
    python = Path(os.environ.get("BIOLORD_ORACLE_PYTHON") or REPOSITORY / ".venv-oracle" / "bin" / "python")
    if not python.is_file():
        raise FileNotFoundError(f"no oracle at {python}: run `make .venv-oracle/.ready`, or set BIOLORD_ORACLE_PYTHON")
    return python


def read(answer: Path) -> OracleResult:
    """Read an answer that `encode.py` wrote."""
    with np.load(answer, allow_pickle=False) as arrays:
        about = json.loads(arrays["about"].tobytes())
        ids, offsets = arrays["token_ids"], arrays["offsets"]
        return OracleResult(
            vectors=arrays["vectors"],
            token_ids=[ids[start:end] for start, end in pairwise(offsets)],
            max_length=about["max_length"],
            versions=about["versions"],
        )


def run(python: Path, *requests: Path, script: Path = SCRIPT) -> None:
    """Run a script, offline and without this environment's settings; its complaint becomes the error."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COVERAGE", "PYTHON"))}
    environment |= {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", "OMP_NUM_THREADS": str(THREADS)}
    command = [str(python), str(script), *map(str, requests)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"the oracle failed with exit code {done.returncode}:\n{done.stderr}")


@functools.cache
def folder_digest(folder: Path) -> str:
    """SHA-256 over the names and bytes of a folder's files; a test that changes a folder copies it first."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            digest.update(f"{path.relative_to(folder)}\0".encode())
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@functools.cache
def installed(python: Path) -> list[str]:
    """Names and versions of an environment's packages, read from its folder without starting it."""
    return sorted(path.name for path in python.parents[1].glob("lib/python*/site-packages/*.dist-info"))
