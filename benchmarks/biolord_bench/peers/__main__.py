"""Measure this project, alone or beside its peers; what people type is ``make bench`` or ``make bench-peers``."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from biolord_bench.peers.driver import Plan, run
from biolord_bench.peers.journal import Entry, Journal
from biolord_bench.peers.machine import describe
from biolord_bench.peers.prepare import Maker, PreparationError, Ready, build_folder, fetch_checkpoint, our_sources
from biolord_bench.peers.process import REPOSITORY
from biolord_bench.peers.rows import Row, choose
from biolord_bench.peers.steps import QUICK, Budget
from biolord_bench.peers.summary import results
from biolord_bench.peers.tables import report
from biolord_bench.peers.texts import write_workloads

RESULTS = REPOSITORY / "benchmarks" / "results"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m biolord_bench.peers", description=__doc__)
    parser.add_argument("--peers", action="store_true", help="measure the peers too")
    parser.add_argument("--rows", metavar="PART,…", help="only rows whose names contain one of these")
    parser.add_argument("--repeats", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--threads", type=int, default=2, help="of every tool; default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="one short repeat, to see that every row runs")
    parser.add_argument(
        "--keep-artifacts", action="store_true", help="take artefacts that another version of the exporter made"
    )
    parser.add_argument("--output", type=Path, help="where the JSON goes, and the report beside it")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None) -> int:
    """Prepare, measure, and write results and report. A second call goes on where an interrupted one was."""
    args = arguments(given)
    try:
        rows = choose(args.peers, args.rows)
    except ValueError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 2
    build, budget = build_folder(), QUICK if args.quick else Budget()
    maker = Maker(build, fetch_checkpoint(), args.keep_artifacts, _say)
    ready, failed = _prepare(maker, rows)
    folder = build / "runs" / _fingerprint(args, rows, ready)
    texts = write_workloads(folder / "texts", maker.checkpoint / "tokenizer.json", budget.fidelity_texts)
    repeats = 1 if args.quick else args.repeats
    plan = Plan(ready, texts, budget, repeats, args.threads, folder)
    with Journal(folder / "journal.jsonl") as journal:
        _note_failures(journal, failed)
        run(plan, journal, _say)
        sizes = {item.row.name: _megabytes(item.model) for item in ready}
        found = results(rows, journal, texts, sizes, machine=describe(), threads=args.threads, repeats=repeats)
    output = args.output or (
        build / "quick.json" if args.quick else RESULTS / f"{'peers' if args.peers else 'ours'}.json"
    )
    _write(output, found)
    (folder / "journal.jsonl").rename(folder / f"journal-{time.strftime('%Y%m%dT%H%M%S')}.jsonl")
    return 0


def _prepare(maker: Maker, rows: Sequence[Row]) -> tuple[list[Ready], dict[str, str]]:
    """Make what the rows need; a row whose things can't be made has a reason instead."""
    ready: list[Ready] = []
    failed: dict[str, str] = {}
    for row in rows:
        try:
            ready.append(maker.ready(row))
        except PreparationError as error:
            failed[row.name] = str(error)
            _say(f"{row.name}: {error}")
    return ready, failed


def _note_failures(journal: Journal, failed: dict[str, str]) -> None:
    for name, error in failed.items():
        if (name, 0, "start") not in journal.entries:
            journal.add(Entry(name, 0, "start", None, error))


def _fingerprint(args: argparse.Namespace, rows: Sequence[Row], ready: Sequence[Ready]) -> str:
    """Name a run by all that its figures depend on, so that another run's figures don't get into it."""
    depends = (
        *(repr(row) for row in rows),
        *(f"{item.row.name} {item.model.stat().st_mtime_ns}" for item in ready),
        our_sources(),
        repr((args.repeats, args.threads, args.quick)),
    )
    return hashlib.sha256("\n".join(depends).encode()).hexdigest()[:12]


def _megabytes(folder: Path) -> float:
    """Return the size of the files that carry a model."""
    kinds = {".onnx", ".data", ".bin", ".xml", ".safetensors"}
    return sum(path.stat().st_size for path in folder.rglob("*") if path.suffix in kinds) / 1e6


def _write(output: Path, found: dict[str, object]) -> None:
    output.parent.mkdir(parents=True, exist_ok=True)
    text = report(found)
    output.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    output.with_suffix(".md").write_text(text, encoding="utf-8")
    sys.stdout.write(f"{text}\nwritten: {output} and {output.with_suffix('.md')}\n")


def _say(line: str) -> None:
    sys.stderr.write(f"bench: {line}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        _say("interrupted; the same command goes on from here")
        sys.exit(130)
