"""Judges links as they are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from biolord_onnx.io.rows import Row
from biolord_onnx.link.evaluation.gold import Judged, codes, judge
from biolord_onnx.link.evaluation.measures import PLACES, Evaluation, evaluate

if TYPE_CHECKING:
    from biolord_onnx.index.hits import Hit
    from biolord_onnx.index.index import Index

DEPTH = max(PLACES)
"""Candidates that are looked at."""


class Jury:
    """Holds candidates against a column of codes."""

    def __init__(self, index: Index, column: int, separator: str | None) -> None:
        """Judge nothing yet.

        Args:
            index: In which candidates were found.
            column: Which of a row's further columns holds the codes.
            separator: Stands between several codes of a cell, None where it holds one.

        Raises:
            InputError: The index has no codes.
        """
        index.lookup("")
        self._index = index
        self._column = column
        self._separator = separator
        self._judged: list[Judged] = []
        self._unknown = 0
        self._in_index = 0
        self._known: dict[str, bool] = {}

    def watch(self, row: Row, hits: Sequence[Hit]) -> None:
        """Judge a term by all its candidates."""
        gold = codes(row.more[self._column], self._separator)
        if not gold:
            self._unknown += 1
            return
        self._judged.append(judge(gold, hits))
        self._in_index += any(map(self._is_known, gold))

    def verdict(self, min_score: float | None) -> Evaluation:
        """Return the figures.

        Raises:
            InputError: No term had a code.
        """
        return evaluate(self._judged, unknown=self._unknown, in_index=self._in_index, min_score=min_score)

    def _is_known(self, code: str) -> bool:
        if code not in self._known:
            self._known[code] = bool(self._index.lookup(code))
        return self._known[code]
