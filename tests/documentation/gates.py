"""Writes the tables of gates in docs/explanation/fidelity.md."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from biolord_export.reranking.gates import RANKING_GATES
from biolord_export.targets import TARGETS


@dataclass(frozen=True)
class Table:
    """A table between two comments."""

    begin: str
    end: str
    head: str
    rows: Iterable[str]

    def rewritten(self, page: str) -> str:
        """Return the page with the table as it is now.

        Raises:
            ValueError: the comments aren't there, once each and in order.
        """
        before, began, rest = page.partition(self.begin)
        _, ended, after = rest.partition(self.end)
        if not began or not ended:
            raise ValueError(f"the page has to have {self.begin!r} and, behind it, {self.end!r}")
        return "".join([before, self.begin, self.head, *self.rows, self.end, after])


BEGIN = "<!-- gates: written by make reference-pages from biolord_export.targets -->\n"
END = "<!-- end of gates -->\n"
HEAD = """\
| target | cosine mean, medical | minimum, medical | minimum, other texts |
| --- | ---: | ---: | ---: |
"""
TABLES = (
    Table(
        BEGIN,
        END,
        HEAD,
        [
            f"| `{name}` | {target.gate.mean} | {target.gate.minimum} | {target.gate.elsewhere} |\n"
            for name, target in TARGETS.items()
        ],
    ),
    Table(
        "<!-- gates of rerankers: written by make reference-pages from biolord_export.reranking.gates -->\n",
        "<!-- end of gates of rerankers -->\n",
        "| target | Pearson | Spearman | top-10 overlap |\n| --- | ---: | ---: | ---: |\n",
        [f"| `{name}` | {gate.pearson} | {gate.spearman} | {gate.top10} |\n" for name, gate in RANKING_GATES.items()],
    ),
)


def rewritten(page: str) -> str:
    """Return the page with the tables as they are now.

    Raises:
        ValueError: a table's comments aren't there.
    """
    for table in TABLES:
        page = table.rewritten(page)
    return page
