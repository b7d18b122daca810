"""Workloads where the workers read them, and the tokens of their texts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from biolord_bench.workloads.workloads import Workload

_NEGLIGIBLE = 0.01


@dataclass(frozen=True, slots=True)
class Written:
    """A workload on the disk."""

    workload: Workload
    path: Path

    @classmethod
    def write(cls, workload: Workload, folder: Path) -> Written:
        """Write a workload's texts into a folder that exists."""
        name = workload.sha256[:16]  # a file's own name may be any
        path = folder / f"{name}.json"
        path.write_text(json.dumps(workload.texts, ensure_ascii=False), encoding="utf-8")
        return cls(workload, path)


class Counter:
    """Counts tokens by the tokenizer of a folder, each text once."""

    def __init__(self) -> None:
        """Begin without any."""
        self._counted: dict[tuple[Path, str], NDArray[np.int64]] = {}

    def count(self, folder: Path, workload: Workload) -> NDArray[np.int64]:
        """Return int64 [n], the tokens of each text before any cut, special ones included.

        Args:
            folder: An artifact or a checkpoint, with a ``tokenizer.json``.
            workload: n texts.
        """
        key = folder, workload.sha256
        if key not in self._counted:
            self._counted[key] = _count(folder, list(workload.texts))
        return self._counted[key]


def fits(tokens: NDArray[np.int64], limit: int, most: float) -> bool:
    """Whether a tool that cuts texts after ``most`` tokens reads all but a hundredth of what the model would.

    Args:
        tokens: int64 [n], of each text.
        limit: Of the model.
        most: Of the tool.
    """
    whole = np.minimum(tokens, limit)
    return bool(np.maximum(whole - most, 0).sum() <= _NEGLIGIBLE * whole.sum())


def _count(folder: Path, texts: list[str]) -> NDArray[np.int64]:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return np.array([len(encoding.ids) for encoding in tokenizer.encode_batch(texts)], dtype=np.int64)
