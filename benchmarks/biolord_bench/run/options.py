"""What the command line asks for, checked before anything is measured."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biolord_bench.run.steps import QUICK, Budget
from biolord_bench.workloads.workloads import GENERATED, GRID, Workload, generate, of_lines
from biolord_onnx.artifact.folder import Artifact, open_artifact
from biolord_onnx.errors import InputError
from biolord_onnx.session.cores import available_cores, parse_threads

REPEATS, QUICK_REPEATS = 3, 2


@dataclass(frozen=True, slots=True)
class Options:
    """A benchmark.

    Attributes:
        providers: Names; None takes every installed one that runs an artifact's target.
        grid: Whether single runs of the graph are wanted, too.
        spinning: Whether threads without work keep their cores busy.
        peers: The checkpoint that other tools' models are made from; None measures none.
        only: Parts of names of the peers wanted; None takes all.
        journal: Where figures are noted; None keeps them only for this run.
    """

    artifacts: tuple[Artifact, ...]
    reference: Artifact | None
    providers: tuple[str, ...] | None
    threads: tuple[int, ...]
    workloads: tuple[Workload, ...]
    grid: bool
    budget: Budget
    repeats: int
    spinning: bool
    peers: Path | None
    only: tuple[str, ...] | None
    journal: Path | None


def options_of(args: argparse.Namespace) -> Options:
    """Check the command line.

    Raises:
        BiolordError: An option is wrong, or an artifact can't be read.
    """
    repeats = (QUICK_REPEATS if args.quick else REPEATS) if args.repeats is None else args.repeats
    if repeats < 1:
        raise InputError(f"--repeats is {repeats}, expected 1 or more")
    if args.only and not args.peers:
        raise InputError("--only chooses among peers: give --peers CHECKPOINT, too")
    artifacts = _artifacts(args.artifacts, required=args.peers is None)
    asked = tuple(dict.fromkeys(args.workload or (*GENERATED, GRID)))
    threads = [parse_threads(text, "--threads ") for text in args.threads] if args.threads else [None]
    return Options(
        artifacts=artifacts,
        reference=_reference(args.reference, artifacts),
        providers=args.providers,
        threads=tuple(dict.fromkeys(available_cores(count).count for count in threads)),
        workloads=tuple(_workload(name) for name in asked if name != GRID),
        grid=GRID in asked,
        budget=QUICK if args.quick else Budget(),
        repeats=repeats,
        spinning=args.spin,
        peers=args.peers and _checkpoint(args.peers, len(threads)),
        only=args.only,
        journal=args.journal,
    )


def _artifacts(paths: Sequence[Path], *, required: bool) -> tuple[Artifact, ...]:
    if required and not paths:
        raise InputError("no artifact given: name one or more folders that biolord export wrote, or --merge FILE")
    if len({path.resolve() for path in paths}) < len(paths):
        raise InputError("an artifact is given twice: name each once")
    # The workers compare hashes; here only the manifests are needed.
    return tuple(open_artifact(path, verify_hashes=False) for path in paths)


def _reference(path: Path | None, artifacts: Sequence[Artifact]) -> Artifact | None:
    if path is None:
        return None
    reference = open_artifact(path, verify_hashes=False)
    for artifact in artifacts:
        if artifact.manifest.dim != reference.manifest.dim:
            raise InputError(
                f"the reference {reference.manifest.name} has vectors of {reference.manifest.dim} numbers, "
                f"{artifact.manifest.name} of {artifact.manifest.dim}: give an artifact of the same checkpoint"
            )
    return reference


def _checkpoint(path: Path, threads: int) -> Path:
    if not (path / "sentence_bert_config.json").is_file() or not (path / "tokenizer.json").is_file():
        raise InputError(
            f"--peers {path} is no sentence-transformers checkpoint (sentence_bert_config.json or tokenizer.json is "
            "missing): give the folder that the artifacts were exported from"
        )
    if threads > 1:
        raise InputError("--peers takes one number of threads: give --threads N")
    return path.resolve()


def _workload(name: str) -> Workload:
    from biolord_onnx.bulk.reading import read_rows
    from biolord_onnx.io.rows import Columns, Empty

    if name in GENERATED:
        return generate(name)
    if not Path(name).is_file():
        raise InputError(f"workload {name!r} is neither {', '.join((*GENERATED, GRID))} nor a file of texts")
    return of_lines(name, [row.text for row in read_rows(name, Columns(empty=Empty("embed")))])
