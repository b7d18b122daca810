"""Measures on a GPU what `cuda-fp16` promises, beside torch, and writes what `biolord bench --merge` takes.

    python -m gpu_bench --json cuda.json [--device cpu --sizes tiny --quick] [--checkpoint FOLDER]

Needs no index and no hub. With ``--device cpu`` the same code runs up to what only a GPU can tell.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import torch

from biolord_bench.results.results import FORMAT, Results, Row, Settings, WorkloadSize
from biolord_bench.run.machine import describe_machine
from biolord_onnx.errors import BiolordError
from biolord_onnx.session.cores import available_cores
from biolord_onnx.session.engine import import_onnxruntime, load_nvidia_libraries
from gpu_bench.artifacts import LAYOUTS, SIZES, seeded_checkpoint, write_artifact
from gpu_bench.bars import judge
from gpu_bench.onnx_side import misplaced
from gpu_bench.rows import FULL, QUICK, Model, Plan, measure

NEEDS_A_GPU = "placement of nodes, CUDA graphs and the bars need a GPU (--device cuda): not checked here"


def main(arguments: list[str] | None = None) -> int:
    """Measure; 1 if a bar is missed."""
    args = _parser().parse_args(arguments)
    if args.device == "cuda" and not torch.cuda.is_available():
        print("gpu_bench: torch finds no GPU: mend its driver, or try the script with --device cpu", file=sys.stderr)
        return 2
    if args.device == "cuda":
        load_nvidia_libraries(import_onnxruntime())
    until = time.perf_counter() + 60 * args.minutes
    plan = Plan(args.device, available_cores().count, QUICK if args.quick else FULL, until)
    rows, missed = list[Row](), list[str]()
    with tempfile.TemporaryDirectory(prefix="gpu-bench-") as scratch:
        for model in _models(args, Path(scratch)):
            print(f"{model.name}: measuring", file=sys.stderr)
            found = measure(model, plan)
            rows += found
            missed += _checks(model, plan, found, Path(scratch))
    args.json.write_text(_results(rows, plan).to_json(), encoding="utf-8")
    if args.device != "cuda":
        print(NEEDS_A_GPU)
    return 1 if missed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gpu_bench", description="cuda-fp16 beside torch on a GPU")
    parser.add_argument("--json", type=Path, required=True, help="results, for biolord bench --merge")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--sizes", type=lambda text: text.split(","), default=["minilm", "full"], help=", ".join(SIZES))
    parser.add_argument("--checkpoint", type=Path, nargs="*", default=[], help="real ones, with mean pooling, too")
    parser.add_argument("--minutes", type=float, default=7.5, help="what isn't measured by then is left out, and said")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    return parser


def _models(args: argparse.Namespace, scratch: Path) -> list[Model]:
    seeded = [seeded_checkpoint(scratch / f"seeded-{name}", SIZES[name]) for name in args.sizes]
    return [
        Model(
            folder.name,
            folder,
            {
                layout: write_artifact(folder, scratch / f"{folder.name}-{layout}", layout, args.device)
                for layout in LAYOUTS
            },
        )
        for folder in [*seeded, *args.checkpoint]
    ]


def _checks(model: Model, plan: Plan, rows: list[Row], scratch: Path) -> list[str]:
    """Print what holds and what doesn't; returns what doesn't."""
    if plan.device != "cuda":
        for layout, folder in model.artifacts.items():  # the profile is read as on a GPU
            print(f"{model.name} {layout}: {len(misplaced(folder, 'cpu', plan.threads, scratch))} nodes elsewhere")
        return []
    missed = []
    for layout, folder in model.artifacts.items():
        elsewhere = misplaced(folder, "cuda", plan.threads, scratch)
        print(f"{model.name} {layout}: nodes not on CUDA: {', '.join(elsewhere) or 'none'}")
        missed += elsewhere
    for holds, line in judge(model.name, rows):
        print(f"{'holds ' if holds else 'MISSED'} {line}")
        missed += [] if holds else [line]
    return missed


def _results(rows: list[Row], plan: Plan) -> Results:
    sizes = {name: WorkloadSize(len(work.texts), None, work.sha256) for name, work in plan.workloads.items()}
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return Results(FORMAT, created, describe_machine(), Settings(plan.threads, False, 1), sizes, tuple(rows))


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BiolordError as error:
        sys.exit(f"gpu_bench: {error}")
