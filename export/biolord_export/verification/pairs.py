"""Labeled pairs: does an artifact rank them as its reference does?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.errors import ExportError
from biolord_onnx.io.delimited.tables import open_table
from biolord_onnx.io.formats import table_dialect
from biolord_onnx.io.rows import Empty, Layout, is_blank

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from biolord_export.checkpoint.weights import Float32
    from biolord_onnx.artifact.json_fields import Fields
    from biolord_onnx.io.delimited.tables import Table

COLUMNS = ("score", "text1", "text2")
FEWEST_PAIRS = 3
"""A rank correlation of two pairs is 1 or -1 whatever the vectors are."""


@dataclass(frozen=True, slots=True)
class LabeledPairs:
    """Pairs of texts with a score that people gave them, and the name of the file they came from."""

    origin: str
    scores: tuple[float, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PairsFidelity:
    """How well cosines rank labeled pairs.

    Attributes:
        origin: Where the pairs came from.
        pairs: How many.
        spearman: Spearman's rank correlation of the artifact's cosines with the scores.
        reference: That of the reference's cosines.
    """

    origin: str
    pairs: int
    spearman: float
    reference: float

    @classmethod
    def from_fields(cls, fields: Fields) -> PairsFidelity:
        """Read the members that a report holds."""
        return cls(
            fields.text("origin"),
            fields.integer("pairs", least=FEWEST_PAIRS),
            fields.number("spearman", least=-1),
            fields.number("reference", least=-1),
        )


def read_pairs(path: Path, layout: Layout | None = None) -> LabeledPairs:
    """Read a UTF-8 table whose header names the columns score, text1 and text2, in any order.

    Args:
        path: A .tsv, .csv or .psv file; gzip may have compressed it.
        layout: What is said about it beside its name.

    Raises:
        InputError: It is no such table, a line isn't UTF-8, or a row has more or fewer cells than the header.
        ExportError: A column is missing, a text is empty, a score is no number, or fewer than three pairs or only one
            score are left.
        OSError: The file can't be read.
    """
    name = str(path)
    dialect = table_dialect(name, name, layout or Layout())
    table = open_table(name, name, dialect, Empty(advice="fill or remove it"))
    columns = table.columns if table else []
    missing = [column for column in COLUMNS if column not in columns]
    if table is None or missing:
        found = ", ".join(columns) or "no header"
        raise ExportError(f"{path} lacks the column {', '.join(missing)} (it has {found}): name them in its first line")
    rows = list(_read_rows(table))
    if len(rows) < FEWEST_PAIRS or len({score for score, _, _ in rows}) == 1:
        raise ExportError(f"{path} has {len(rows)} pairs, expected {FEWEST_PAIRS} or more, with different scores")
    scores, first, second = zip(*rows, strict=True)
    return LabeledPairs(path.name, scores, first, second)


def _read_rows(table: Table) -> Iterator[tuple[float, str, str]]:
    places = [table.find(column, "a column") for column in COLUMNS]
    for line, cells in table.records:
        score, first, second = (table.check(line, cells[at]) for at in places)
        for column, text in zip(COLUMNS[1:], (first, second), strict=True):
            if is_blank(text):
                raise ExportError(f"{table.name}, line {line}: {column} is empty: fill it, or remove the row")
        yield _read_score(score, f"{table.name}, line {line}"), first, second


def _read_score(score: str, place: str) -> float:
    try:
        value = float(score)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ExportError(f"{place}: score is {score!r}, expected a number")
    return value


def compare_pairs(
    pairs: LabeledPairs,
    found: Callable[[Sequence[str]], Float32],
    exact: Callable[[Sequence[str]], Float32],
) -> PairsFidelity:
    """Rank labeled pairs by cosine, with an artifact and with its reference.

    Args:
        pairs: The pairs.
        found: Gives an artifact's unit vectors, float32 [n, dim], of n texts.
        exact: Gives its reference's.
    """

    def rank(encode: Callable[[Sequence[str]], Float32]) -> float:
        cosines = np.einsum("nd,nd->n", encode(pairs.first), encode(pairs.second))
        return spearman(cosines, np.array(pairs.scores))

    return PairsFidelity(pairs.origin, len(pairs.scores), rank(found), rank(exact))


def spearman(
    a: np.ndarray[tuple[int], np.dtype[np.floating]], b: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> float:
    """Return Spearman's rank correlation of two lists, equal values sharing the mean of their ranks; 0 if one is flat.

    The source is Kendall, Rank Correlation Methods (1948), chapter 3: Pearson's correlation of mid-ranks.
    """
    x, y = (ranks - ranks.mean() for ranks in (_mid_ranks(a), _mid_ranks(b)))
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return float(x @ y) / scale if scale else 0.0


def _mid_ranks(values: np.ndarray[tuple[int], np.dtype[np.floating]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(ranks[places], dtype=np.float64)
