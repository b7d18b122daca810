"""Which targets a cross-encoder can be exported to, and the gate of each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from biolord_export.errors import ExportError
from biolord_export.reranking.fidelity import RankingGate

if TYPE_CHECKING:
    from collections.abc import Mapping

RANKING_GATES: Mapping[str, RankingGate] = {
    "cpu-int8": RankingGate(pearson=0.998, spearman=0.99, top10=0.95),
    "cpu-int4": RankingGate(pearson=0.98, spearman=0.95, top10=0.85),
    "cuda-fp16": RankingGate(pearson=0.9999, spearman=0.999, top10=0.99),
    "cpu-fp32": RankingGate(pearson=0.999999, spearman=0.9999, top10=0.999),
}


def find_ranking_gate(target: str) -> RankingGate:
    """Look up what rerankers of a target must reach.

    Raises:
        ExportError: There are none of this target; names those there are.
    """
    if target not in RANKING_GATES:
        raise ExportError(
            f"a cross-encoder can't be exported to {target}, whose graph is traced of an encoder alone: take --target "
            f"{', '.join(RANKING_GATES)}"
        )
    return RANKING_GATES[target]
