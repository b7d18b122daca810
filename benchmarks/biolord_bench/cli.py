"""``biolord bench``: what artefacts cost on this machine, with their fidelity beside it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cli.output import say, tell
from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_bench.results import Results
    from biolord_bench.run import Plan
    from biolord_bench.sizes import Size
    from biolord_bench.workloads import Workload

SUMMARY = "measure latency, throughput, memory and start of artefacts"

STDOUT = "-"
EXIT_ROW_FAILED = 1


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("artifacts", metavar="ARTEFACT", nargs="*", type=Path, help="folders that biolord export wrote")
    parser.add_argument(
        "--merge", metavar="FILE", nargs="+", type=Path, help="join JSON results of one machine instead of measuring"
    )
    what = parser.add_argument_group("what to measure")
    what.add_argument(
        "--providers",
        type=_listed,
        metavar="P,P",
        help="execution providers, such as cpu,openvino,cuda (default: every installed one that runs the artefact)",
    )
    what.add_argument("--threads", type=_listed, metavar="N,N", help="cores of one run (default: those available)")
    what.add_argument(
        "--workload",
        type=_listed,
        metavar="W,W",
        action="extend",
        help="of names, queries, passages, mixed, grid, and files with one text a line (default: all but files)",
    )
    what.add_argument("--repeats", type=int, metavar="N", help="processes per row (default: 3, with --quick 2)")
    what.add_argument("--spin", action="store_true", help="let threads without work keep their cores busy")
    what.add_argument(
        "--reference",
        metavar="ARTEFACT",
        type=Path,
        help="measure fidelity against this artefact, such as a cpu-fp32 of the same checkpoint (default: show the "
        "manifest's figures)",
    )
    what.add_argument("--quick", action="store_true", help="fewer texts and repeats, for a first look")
    out = parser.add_argument_group("where results go (default: a table on standard output)")
    for option, form in (("--json", "JSON"), ("--markdown", "Markdown"), ("--html", "one HTML page with plots")):
        dash = "" if option == "--html" else ", - for standard output"
        out.add_argument(option, metavar="FILE", help=f"write {form}, over an older file{dash}")


def run(args: argparse.Namespace) -> int:
    """Measure or merge, and write the results; 1 if a row has none."""
    outputs = _outputs(args)
    results = _merge(args) if args.merge else _measure(args)
    shown = False
    for render, place in outputs:
        text = render(results)
        if place == STDOUT:
            say(text.removesuffix("\n"))
            shown = True
        else:
            _write(Path(place), text)
    if not shown:
        from biolord_bench import table

        say(table.render(results).removesuffix("\n"))
    failed = not args.merge and any(row.error is not None for row in results.rows)
    return EXIT_ROW_FAILED if failed else 0


def _outputs(args: argparse.Namespace) -> list[tuple[Callable[[Results], str], str]]:
    """Pair renderers with places, and refuse what could not be written in the end."""
    from biolord_bench import html, markdown
    from biolord_bench.machine import require
    from biolord_bench.results import Results

    asked = [(Results.to_json, args.json), (markdown.render, args.markdown), (html.render, args.html)]
    outputs = [(render, place) for render, place in asked if place is not None]
    places = [place for _, place in outputs]
    for place in places:
        if places.count(place) > 1:
            raise InputError(f"{place} is given twice as a place for results: give each form its own")
        if place != STDOUT and not Path(place).parent.is_dir():
            raise InputError(f"the folder {Path(place).parent} of {Path(place).name} does not exist: make it first")
    if args.html == STDOUT:
        raise InputError("--html takes a file: name one that a browser can open")
    if args.html is not None:
        require("matplotlib")
    return outputs


def _merge(args: argparse.Namespace) -> Results:
    from biolord_bench.merge import merge_results
    from biolord_bench.results import Results

    if args.artifacts:
        raise InputError(f"--merge joins results and measures nothing: leave out {args.artifacts[0]}")
    return merge_results([(str(path), Results.from_json(_text(path), path)) for path in args.merge])


def _measure(args: argparse.Namespace) -> Results:
    from biolord_bench.machine import require
    from biolord_bench.run import plan_jobs, run_bench
    from biolord_onnx.artifact import open_artifact

    if not args.artifacts:
        raise InputError("no artefact given: name one or more folders that biolord export wrote, or --merge FILE")
    folders = dict.fromkeys(path.resolve() for path in args.artifacts)
    if len(folders) < len(args.artifacts):
        raise InputError("an artefact is given twice: name each once")
    # The workers compare hashes; here only the manifests are needed.
    if args.reference:
        open_artifact(args.reference, verify_hashes=False)
    artifacts = [open_artifact(path, verify_hashes=False) for path in args.artifacts]
    plan = _plan(args)
    jobs = plan_jobs(artifacts, plan)
    require("psutil")
    return run_bench(jobs, plan, tell)


def _plan(args: argparse.Namespace) -> Plan:
    from biolord_bench import sizes
    from biolord_bench.protocol import QUERIES
    from biolord_bench.run import Plan
    from biolord_bench.workloads import DEFAULT, GRID
    from biolord_onnx.cores import available_cores, parse_threads

    size = sizes.QUICK if args.quick else sizes.FULL
    asked = tuple(dict.fromkeys(args.workload or DEFAULT))
    repeats = size.repeats if args.repeats is None else args.repeats
    if repeats < 1:
        raise InputError(f"--repeats is {repeats}, expected 1 or more")
    threads = [parse_threads(text, "--threads ") for text in args.threads] if args.threads else [None]
    return Plan(
        providers=args.providers,
        threads=tuple(dict.fromkeys(available_cores(count).count for count in threads)),
        bulk=tuple(_workload(name, size) for name in asked if name not in {QUERIES, GRID}),
        queries=size.generate(QUERIES),
        time_queries=QUERIES in asked,
        grid=size.grid if GRID in asked else None,
        repeats=repeats,
        spinning=args.spin,
        reference=str(args.reference) if args.reference else None,
        idle_seconds=size.idle_seconds,
    )


def _workload(name: str, size: Size) -> Workload:
    from biolord_bench.workloads import GENERATED, GRID, of_lines
    from biolord_onnx.bulk.reading import read_rows
    from biolord_onnx.io.rows import Columns, Empty

    if name in GENERATED:
        return size.generate(name)
    if not Path(name).is_file():
        raise InputError(f"workload {name!r} is neither {', '.join((*GENERATED, GRID))} nor a file of texts")
    return of_lines(name, [row.text for row in read_rows(name, Columns(empty=Empty("embed")))])


def _listed(text: str) -> tuple[str, ...]:
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise argparse.ArgumentTypeError(f"{text!r} has an empty part: separate with single commas")
    return tuple(dict.fromkeys(parts))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: give what biolord bench --json wrote") from error


def _write(path: Path, text: str) -> None:
    """Write a file beside its place, then rename it: an interruption leaves the old one."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
