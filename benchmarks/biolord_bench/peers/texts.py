"""Writes the workloads' texts where the workers read them, with their token counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from biolord_bench.peers.workloads import CUT, Workload, definitions, names, passages, workloads

LIMIT = 384
"""Most tokens of a text that the checkpoint takes; what is beyond counts for nobody."""

MIXED_LENGTHS = "fidelity"


@dataclass(frozen=True, slots=True)
class Written:
    """A workload on the disk.

    Attributes:
        workload: the texts.
        path: a JSON list of them.
        tokens: int64 [n], tokens per text, special tokens included, cut at `LIMIT`.
    """

    workload: Workload
    path: Path
    tokens: NDArray[np.int64]

    def fits(self, max_length: float) -> bool:
        """Whether a tool with this limit would read all but a hundredth of the tokens."""
        return bool(np.maximum(self.tokens - max_length, 0).sum() <= 0.01 * self.tokens.sum())


def write_workloads(folder: Path, tokenizer_file: Path, fidelity_texts: int) -> dict[str, Written]:
    """Write every workload, and the texts that fidelity is measured on: three names to one definition.

    Args:
        folder: where to.
        tokenizer_file: the checkpoint's ``tokenizer.json``.
        fidelity_texts: how many texts fidelity is measured on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = Tokenizer.from_file(str(tokenizer_file))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    all_workloads = (*workloads(cut_texts(tokenizer)), Workload(MIXED_LENGTHS, _fidelity_texts(fidelity_texts), None))
    written = {}
    for workload in all_workloads:
        path = folder / f"{workload.name}.json"
        path.write_text(json.dumps(workload.texts, ensure_ascii=False), encoding="utf-8")
        counts = [len(encoding.ids) for encoding in tokenizer.encode_batch(list(workload.texts))]
        written[workload.name] = Written(workload, path, np.minimum(counts, LIMIT).astype(np.int64))
    return written


def cut_texts(tokenizer: Tokenizer, length: int = CUT) -> tuple[str, ...]:
    """Cut passages after ``length`` tokens, special tokens included."""
    texts = passages(seed=6)
    return tuple(
        text[: encoding.offsets[length - 2][1]] if len(encoding.ids) > length else text
        for text, encoding in zip(texts, tokenizer.encode_batch(list(texts)), strict=True)
    )


def _fidelity_texts(count: int) -> tuple[str, ...]:
    """Alternate kinds, so that a batch of any few neighbours mixes short and long texts."""
    sentences = definitions(count // 4, seed=22)
    short = names(count - len(sentences), seed=21)
    return tuple(_interleave(short, sentences))


def _interleave(short: Sequence[str], long: Sequence[str]) -> list[str]:
    texts: list[str] = []
    for index, sentence in enumerate(long):
        texts += [*short[3 * index : 3 * index + 3], sentence]
    return [*texts, *short[3 * len(long) :]]
