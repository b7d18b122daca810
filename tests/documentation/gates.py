"""Writes the table of gates in docs/explanation/fidelity.md."""

from __future__ import annotations

from biolord_export.targets import TARGETS

BEGIN = "<!-- gates: written by make reference-pages from biolord_export.targets -->\n"
END = "<!-- end of gates -->\n"
HEAD = """\
| target | cosine mean, medical | minimum, medical | minimum, other texts |
| --- | ---: | ---: | ---: |
"""


def rewritten(page: str) -> str:
    """Return the page with the table as it is now.

    Raises:
        ValueError: the markers aren't there, once each and in order.
    """
    before, began, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not began or not ended:
        raise ValueError(f"the page has to have {BEGIN!r} and, behind it, {END!r}")
    rows = (
        f"| `{name}` | {target.gate.mean} | {target.gate.minimum} | {target.gate.elsewhere} |\n"
        for name, target in TARGETS.items()
    )
    return "".join([before, BEGIN, HEAD, *rows, END, after])
