"""Puts the measured table into README.md, between two markers: ``python -m biolord_bench.report.readme``."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from biolord_bench.report.markdown import table_lines
from biolord_bench.report.table import summary, tables
from biolord_bench.results.results import Results

REPOSITORY = Path(__file__).parents[3]
README = REPOSITORY / "README.md"
RESULTS = REPOSITORY / "benchmarks" / "results" / "peers.json"
BEGIN = "<!-- measured: written by python -m biolord_bench.report.readme from benchmarks/results/peers.json -->"
END = "<!-- end of measured -->"
TARGETS = ("cpu-int8", "cpu-int4", "cpu-fp32")
PEERS = ("sentence-transformers torch fp32", "sentence-transformers openvino int8", "fastembed qint8")
"""With the targets, the rows that a first look takes in; the report has all of them."""
_MARKED = re.compile(rf"<!-- measured: [^\n]*-->\n(.*?){re.escape(END)}", re.DOTALL)


def section(results: Results | None) -> str:
    """Write what stands between the markers; nothing where nothing has been measured yet."""
    if results is None:
        return ""
    rows = tuple(row for row in results.rows if row.target in TARGETS or row.name in PEERS)
    table = next(table for table in tables(structs.replace(results, rows=rows)) if table.key == "overview")
    # Numbers of rows are for the report.
    bare = replace(table, header=table.header[1:], rows=tuple(row[1:] for row in table.rows), left=(0,))
    said = dict(summary(results))
    return (
        "\n".join(table_lines(bare)) + f"\n\n{said['machine']}, {said['system']}; {said['run']}; "
        f"{results.created[:10]}. {table.note} Ratios with their spread, how each tool was run, why one is missing: "
        "[the whole report](benchmarks/results/peers.md).\n"
    )


def rewritten(readme: str, results: Results | None) -> str:
    """Return the README with the section made anew.

    Raises:
        ValueError: The markers aren't there, once each and in order.
    """
    if len(_MARKED.findall(readme)) != 1 or readme.count(END) != 1 or readme.count("<!-- measured: ") != 1:
        raise ValueError(f"README has to have {BEGIN!r} and, behind it, {END!r} once each")
    return _MARKED.sub(lambda _: f"{BEGIN}\n{section(results)}{END}", readme)


def load(path: Path = RESULTS) -> Results | None:
    """Read the results; None where there are none yet."""
    return Results.from_json(path.read_text(encoding="utf-8"), path) if path.exists() else None


def main() -> None:
    """Write the README."""
    README.write_text(rewritten(README.read_text(encoding="utf-8"), load()), encoding="utf-8")


if __name__ == "__main__":
    main()
