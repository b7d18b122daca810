"""The workloads by name, and those made of a file's lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from biolord_bench.workloads.writer import REQUEST_SIZE, definitions, names, passages, requests
from biolord_onnx.errors import InputError

QUERIES, MIXED, GRID = "queries", "mixed", "grid"
"""Encoded one by one; in small requests; and no texts at all: single runs of the graph."""
COMPARED = "compared"
"""The texts that vectors are compared on."""
_QUERIES = 200


@dataclass(frozen=True, slots=True)
class Workload:
    """Texts, and how they are encoded.

    Attributes:
        texts: In the order in which they are encoded.
        texts_a_call: How many go into one call; None is all.
        whole: Whether every text is encoded, however long that takes; else as many as there is time for.
    """

    name: str
    texts: tuple[str, ...]
    texts_a_call: int | None = None
    whole: bool = False

    @property
    def sha256(self) -> str:
        """Of the texts, each with a newline behind it."""
        return hashlib.sha256("".join(f"{text}\n" for text in self.texts).encode()).hexdigest()


_TEXTS: dict[str, Callable[[], tuple[str, ...]]] = {
    QUERIES: lambda: names(_QUERIES, seed=5),
    "names": names,
    "definitions": definitions,
    "long": passages,
    MIXED: requests,
}
GENERATED = tuple(_TEXTS)


def generate(name: str) -> Workload:
    """Generate a workload; a name gives the same texts everywhere.

    Raises:
        InputError: There is no such workload.
    """
    if name not in _TEXTS:
        raise InputError(f"there is no workload {name!r}, expected {', '.join(GENERATED)} or {GRID}")
    return Workload(name, _TEXTS[name](), REQUEST_SIZE if name == MIXED else None)


def of_lines(name: str, lines: Sequence[str]) -> Workload:
    """Make a workload of a file's lines, blank ones left out.

    Raises:
        InputError: There are none.
    """
    texts = tuple(line for line in lines if line.strip())
    if not texts:
        raise InputError(f"{name} has no text: give one text a line")
    return Workload(name, texts, whole=True)


def compared(count: int) -> Workload:
    """Write the texts that vectors are compared on: three names to a sentence, so that any batch mixes them."""
    sentences = definitions(count // 4, seed=22)
    short = names(count - len(sentences), seed=21)
    texts: list[str] = []
    for index, sentence in enumerate(sentences):
        texts += [*short[3 * index : 3 * index + 3], sentence]
    return Workload(COMPARED, (*texts, *short[3 * len(sentences) :]))
