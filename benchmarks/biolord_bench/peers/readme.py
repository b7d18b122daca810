"""Puts the measured table into README.md, between two markers: ``python -m biolord_bench.peers.readme``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from biolord_bench.peers.process import REPOSITORY
from biolord_bench.peers.tables import COST, FIDELITY, JSON, SPEED, conditions, figures, rows_of

README = REPOSITORY / "README.md"
RESULTS = REPOSITORY / "benchmarks" / "results" / "peers.json"
BEGIN = "<!-- measured: written by python -m benchmarks.readme from benchmarks/results/peers.json -->"
END = "<!-- end of measured -->"
ROWS = (
    "biolord-onnx cpu-int8",
    "biolord-onnx cpu-int4",
    "biolord-onnx cpu-fp32",
    "sentence-transformers torch fp32",
    "sentence-transformers openvino int8",
    "fastembed qint8",
)
"""Rows that the README shows, the most that a first look takes in; the report has all of them."""
SHOWN = (SPEED[0], SPEED[1], SPEED[2], SPEED[5], COST[0], COST[1], FIDELITY[0])


def section(results: JSON | None) -> str:
    """Write what stands between the markers; nothing where nothing has been measured yet."""
    if results is None:
        return ""
    rows = [row for row in rows_of(results) if row["name"] in ROWS]
    return (
        f"{figures(rows, SHOWN, precise=len(SHOWN) - 1)}\n\n{conditions(results)} Rates are texts per second, start is "
        "from nothing to the first vector, RSS after 40 queries; the cosine is that to sentence-transformers in torch. "
        "Ratios with their spread, more texts, and why a tool is missing: "
        "[the whole report](benchmarks/results/peers.md).\n"
    )


def rewritten(readme: str, results: JSON | None) -> str:
    """Return the README with the section made anew.

    Raises:
        ValueError: the markers aren't there, once each and in order.
    """
    before, found, rest = readme.partition(f"{BEGIN}\n")
    _, ended, after = rest.partition(END)
    if not found or not ended or BEGIN in rest:
        raise ValueError(f"README has to have {BEGIN!r} and, behind it, {END!r} once each")
    return f"{before}{found}{section(results)}{ended}{after}"


def load(path: Path = RESULTS) -> JSON | None:
    """Read the results; None where there are none yet."""
    if not path.exists():
        return None
    results: JSON = json.loads(path.read_text(encoding="utf-8"))
    return results


def main() -> int:
    """Write the README, or with ``--check`` only say whether it is up to date."""
    parser = argparse.ArgumentParser(prog="python -m biolord_bench.peers.readme", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if the README is out of date")
    check: bool = parser.parse_args().check
    current = README.read_text(encoding="utf-8")
    wanted = rewritten(current, load())
    if current == wanted:
        return 0
    if check:
        sys.stderr.write(
            "README.md and benchmarks/results/peers.json differ: run python -m biolord_bench.peers.readme\n"
        )
        return 1
    README.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
