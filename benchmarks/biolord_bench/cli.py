"""``biolord bench``: what artifacts cost on this machine, with their fidelity beside it, and what other tools do."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cli.output import say, tell
from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_bench.results.results import Results

SUMMARY = "measure latency, throughput, memory and start of artifacts, and of other tools beside them"

STDOUT = "-"
EXIT_ROW_FAILED = 1
NEEDED = ("msgspec", "psutil")


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("artifacts", metavar="ARTIFACT", nargs="*", type=Path, help="folders that biolord export wrote")
    parser.add_argument(
        "--merge", metavar="FILE", nargs="+", type=Path, help="join JSON results of one machine instead of measuring"
    )
    _configure_what(parser.add_argument_group("what to measure"))
    out = parser.add_argument_group("where results go (default: a table on standard output)")
    for option, form in (("--json", "JSON"), ("--markdown", "Markdown"), ("--html", "one HTML page")):
        dash = "" if option == "--html" else ", - for standard output"
        out.add_argument(option, metavar="FILE", help=f"write {form}, over an older file{dash}")
    out.add_argument(
        "--journal",
        metavar="FILE",
        type=Path,
        help="note every figure at once: the same command goes on from there after an interruption",
    )


def _configure_what(what: argparse._ArgumentGroup) -> None:
    what.add_argument(
        "--providers",
        type=_listed,
        metavar="P,P",
        help="execution providers, such as cpu,openvino,cuda (default: every installed one that runs the artifact); "
        "all: every one that there is, with a row for each kind of kernels, or the reason why it doesn't run here",
    )
    what.add_argument("--threads", type=_listed, metavar="N,N", help="cores of a row (default: those available)")
    what.add_argument(
        "--workload",
        type=_listed,
        metavar="W,W",
        action="extend",
        help="of queries, names, definitions, long, mixed, grid, and files with one text a line (default: all but "
        "files)",
    )
    what.add_argument("--repeats", type=int, metavar="N", help="processes per row (default: 3, with --quick 2)")
    what.add_argument("--spin", action="store_true", help="let threads without work keep their cores busy")
    what.add_argument(
        "--reference",
        metavar="ARTIFACT",
        type=Path,
        help="measure fidelity against this artifact, such as a cpu-fp32 of the same checkpoint (default: show the "
        "manifest's figures, with --peers against sentence-transformers)",
    )
    what.add_argument("--quick", action="store_true", help="less time and fewer repeats, for a first look")
    what.add_argument(
        "--peers",
        metavar="CHECKPOINT",
        type=Path,
        help="measure other tools beside the artifacts, with models made from this sentence-transformers folder; "
        "their environments take gigabytes (see BIOLORD_BENCH_BUILD)",
    )
    what.add_argument("--only", type=_listed, metavar="PART,PART", help="peers whose names contain one of these")


def run(args: argparse.Namespace) -> int:
    """Measure or merge, and write the results; 1 if an artifact's row has none."""
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
        from biolord_bench.report import terminal

        say(terminal.render(results).removesuffix("\n"))
    failed = not args.merge and any(row.error and row.target and not row.refused for row in results.rows)
    return EXIT_ROW_FAILED if failed else 0


def _outputs(args: argparse.Namespace) -> list[tuple[Callable[[Results], str], str]]:
    """Pair renderers with places, and refuse what could not be written in the end."""
    _check_extra()
    from biolord_bench.report import html, markdown
    from biolord_bench.results.results import Results

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
    return outputs


def _check_extra() -> None:
    """Refuse to start without a package that will be needed."""
    import importlib.util

    from biolord_onnx.errors import MissingDependencyError
    from biolord_onnx.install import install_hint

    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError(f"biolord bench needs {package}: {install_hint('bench')}")


def _merge(args: argparse.Namespace) -> Results:
    from biolord_bench.results.merge import merge_results
    from biolord_bench.results.results import Results

    if args.artifacts or args.peers:
        raise InputError(f"--merge joins results and measures nothing: leave out {(*args.artifacts, args.peers)[0]}")
    return merge_results([(str(path), Results.from_json(_text(path), path)) for path in args.merge])


def _measure(args: argparse.Namespace) -> Results:
    from biolord_bench.run.bench import run_bench
    from biolord_bench.run.options import options_of

    return run_bench(options_of(args), tell)


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
