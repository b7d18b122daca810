"""What a file of terms becomes: how candidates are looked for, which of them count, and who looks at them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, BinaryIO

from biolord_onnx.encoding.precision import Vectors
from biolord_onnx.io.rows import Row, is_blank
from biolord_onnx.link.formats.choosing import Format
from biolord_onnx.link.links import Link, Sheet, as_compared

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit
    from biolord_onnx.index.index import Index, Where
    from biolord_onnx.reranked import Reranking

Watch = Callable[[Row, Sequence["Hit"]], object]
Candidates = Iterable[tuple[Row, Sequence["Hit"]]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for.

    Attributes:
        top: Most candidates of a term that are written.
        min_score: Smallest cosine of one that isn't exact; None for any.
        where: Values of columns that the index keeps; other rows don't count.
        depth: Candidates that are looked for: ``top``, or more where more are to be judged.
        batch_tokens: Most tokens of one run of the graph.
        reranking: Who puts the nearest in order; None leaves them as they are.
    """

    top: int
    min_score: float | None = None
    where: Where = field(default_factory=dict)
    depth: int = 0
    batch_tokens: int | None = None
    reranking: Reranking | None = None

    def search(self, index: Index, texts: list[str], vectors: Vectors) -> list[list[Hit]]:
        """Look for candidates, whatever their score; blank terms have none."""
        found: list[list[Hit]] = [[] for _ in texts]
        rows = [row for row, text in enumerate(texts) if not is_blank(text)]
        if rows:
            some = [texts[row] for row in rows]
            hits = index.search(some, vectors=vectors[rows], top=self.depth, where=self.where)
            for row, near in zip(rows, hits, strict=True):
                found[row] = self._ordered(texts[row], near)
        return found

    def _ordered(self, text: str, hits: list[Hit]) -> list[Hit]:
        if self.reranking is None:
            return hits
        return [one.hit for one in self.reranking.order(text, hits)]

    def identity(self) -> tuple[tuple[str, str], ...]:
        """Return what decides about the candidates."""
        where = {name: [values] if isinstance(values, str) else sorted(values) for name, values in self.where.items()}
        by = "none"
        if self.reranking is not None:
            by = f"one with SHA-256 {self.reranking.reranker.fingerprint[:16]}, of {self.reranking.first}"
        return ("candidates", str(self.depth)), ("--where", json.dumps(where, sort_keys=True)), ("--rerank", by)


class Plan:
    """What becomes of the candidates.

    Attributes:
        linked: Terms that had a candidate, so far.
    """

    def __init__(self, wanted: Wanted, sheet: Sheet, form: Format, watch: Watch | None = None) -> None:
        """Take what is wanted, what is known about all links, how they are written, and who sees all candidates."""
        self.wanted = wanted
        self.linked = 0
        self._sheet = sheet
        self._form = form
        self._watch = watch
        self._least = None if wanted.min_score is None else as_compared(wanted.min_score)

    def write(self, stream: BinaryIO, candidates: Candidates) -> None:
        """Write links.

        Args:
            stream: Takes the file.
            candidates: Of each term, all that were looked for.
        """
        self._form.write(stream, self._sheet, self._links(candidates))

    def _links(self, candidates: Candidates) -> Iterator[Link]:
        for row, hits in candidates:
            if self._watch is not None:
                self._watch(row, hits)
            near = [hit for hit in hits[: self.wanted.top] if self._counts(hit)]
            self.linked += bool(near)
            yield Link(replace(row, more=row.more[: len(self._sheet.kept)]), near)

    def _counts(self, hit: Hit) -> bool:
        return hit.exact or self._least is None or hit.score >= self._least
