"""Compare two sets of vectors of the same texts: how faithful is the one to the other?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from biolord_export.errors import FidelityError
from biolord_export.verification.pairs import PairsFidelity
from biolord_export.verification.report import Report, shortfalls
from biolord_onnx.artifact.json_fields import Fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from biolord_export.checkpoint.weights import Float32
    from biolord_onnx.artifact.json_fields import JSONObject
    from biolord_onnx.encoding.texts import Inputs, TextPair

NEIGHBORS = 10
NEIGHBOR_ROWS = 1024
"""Texts whose neighbors are sought at once: all at once would take memory with the square of their number."""
WORST_SHOWN = 3
OVERFLOW = "the checkpoint's weights overflow float32, take another one"


@dataclass(frozen=True, slots=True)
class GroupFidelity:
    """Fidelity on one kind of text.

    Attributes:
        kind: What the texts are.
        texts: How many.
        cosine_mean: Mean cosine between a text's two vectors.
        cosine_p1: Its 1st percentile.
        cosine_min: Its minimum.
        top1: Share of texts whose nearest other text is the same in both sets.
        top10: Mean share of the ten nearest other texts that both sets agree on.
        worst: The texts of the lowest cosines, shortened.
    """

    kind: str
    texts: int
    cosine_mean: float
    cosine_p1: float
    cosine_min: float
    top1: float
    top10: float
    worst: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FidelityGate:
    """What an export must reach: cosine on medical texts (mean and minimum), and the minimum on any other."""

    mean: float
    minimum: float
    elsewhere: float


@dataclass(frozen=True, slots=True)
class FidelityReport(Report[GroupFidelity, FidelityGate]):
    """Fidelity of vectors; labeled pairs are in it where a user gave some, no gate is on them."""

    pairs: PairsFidelity | None = None

    def to_json(self) -> JSONObject:
        """Return the report as the JSON object that a manifest holds."""
        members = Report.to_json(self)
        return members | {"pairs": asdict(self.pairs)} if self.pairs else members

    @classmethod
    def from_json(cls, members: JSONObject, source: str) -> FidelityReport:
        """Read a report out of a manifest.

        Args:
            members: What `to_json` made.
            source: The manifest, for messages.

        Raises:
            ArtifactError: A figure is missing or of a wrong type.
        """
        fields = Fields(source, members)
        gate = fields.child("gate")
        return cls(
            reference=fields.text("reference"),
            groups=tuple(_read_group(group) for group in fields.children("groups")),
            gate=FidelityGate(gate.number("mean"), gate.number("minimum"), gate.number("elsewhere")),
            shortfalls=fields.texts("shortfalls"),
            # Null in some manifests, absent from others: none were given.
            pairs=PairsFidelity.from_fields(fields.child("pairs")) if members.get("pairs") is not None else None,
        )


def compare(kind: str, texts: Inputs, exact: Float32, found: Float32) -> GroupFidelity:
    """Compare unit vectors, float32 [n, dim], of n texts, or n pairs of them.

    Raises:
        FidelityError: A vector isn't finite.
    """
    cosines = np.einsum("nd,nd->n", exact.astype(np.float64), found.astype(np.float64))
    broken = int(np.count_nonzero(~np.isfinite(cosines)))
    if broken:
        raise FidelityError(f"{kind}: {broken} of {len(texts)} texts have vectors that aren't finite: {OVERFLOW}")
    nearest, nearest_found = nearest_neighbors(exact), nearest_neighbors(found)
    shared = [len(np.intersect1d(a, b)) for a, b in zip(nearest, nearest_found, strict=True)]
    worst = np.argsort(cosines, kind="stable")[:WORST_SHOWN]
    return GroupFidelity(
        kind=kind,
        texts=len(texts),
        cosine_mean=float(cosines.mean()),
        cosine_p1=float(np.percentile(cosines, 1)),
        cosine_min=float(cosines.min()),
        top1=float((nearest[:, :1] == nearest_found[:, :1]).mean()) if nearest.size else 1.0,
        top10=float(np.mean(shared) / nearest.shape[1]) if nearest.size else 1.0,
        worst=tuple(_shorten(texts[index]) for index in worst),
    )


def nearest_neighbors(vectors: Float32, count: int = NEIGHBORS) -> NDArray[np.int64]:
    """Return int64 [n, min(count, n - 1)], the other vectors of largest dot product, nearest first."""
    most = min(count, len(vectors) - 1)
    parts = [
        _nearest(vectors, np.arange(start, min(start + NEIGHBOR_ROWS, len(vectors))), most)
        for start in range(0, len(vectors), NEIGHBOR_ROWS)
    ]
    return np.concatenate(parts)


def _nearest(vectors: Float32, rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    scores = vectors[rows] @ vectors.T
    scores[np.arange(len(rows)), rows] = -np.inf
    return np.argsort(-scores, axis=1, kind="stable")[:, :most]


def judge(
    reference: str, groups: Sequence[GroupFidelity], gate: FidelityGate, medical: Sequence[str]
) -> FidelityReport:
    """Hold groups against a gate; those whose kind isn't medical only need its lower bar."""
    below: list[str] = []
    for group in groups:
        bars: Mapping[str, float] = (
            {"cosine_mean": gate.mean, "cosine_min": gate.minimum}
            if group.kind in medical
            else {"cosine_min": gate.elsewhere}
        )
        below += shortfalls(group.kind, asdict(group), bars)
    return FidelityReport(reference, tuple(groups), gate, tuple(below))


def _read_group(fields: Fields) -> GroupFidelity:
    return GroupFidelity(
        kind=fields.text("kind"),
        texts=fields.integer("texts", least=1),
        cosine_mean=fields.number("cosine_mean", least=-1),
        cosine_p1=fields.number("cosine_p1", least=-1),
        cosine_min=fields.number("cosine_min", least=-1),
        top1=fields.number("top1"),
        top10=fields.number("top10"),
        worst=fields.texts("worst"),
    )


def _shorten(content: str | TextPair, most: int = 60) -> str:
    text = content if isinstance(content, str) else " | ".join(content)
    return text if len(text) <= most else text[: most - 1] + "…"
