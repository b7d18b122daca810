"""``biolord index``: a file of names to a folder that is searched."""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cli.arguments import add_artifact, add_session, load_embedder, wants_progress
from biolord_onnx.cli.input import add_layout, layout_from
from biolord_onnx.cli.interrupts import terminated_once
from biolord_onnx.cli.names.where import add_where, where_from
from biolord_onnx.cli.output import tell
from biolord_onnx.errors import InputError

if TYPE_CHECKING:
    from biolord_onnx.index.building.vocabulary import Synonyms, Vocabulary
    from biolord_onnx.index.manifest import IndexManifest

SUMMARY = "embed a vocabulary once, to be searched"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument(
        "file",
        metavar="FILE",
        help="names: one per line, or a table (.csv, .tsv, .psv, .rrf, .jsonl, .ndjson, .parquet or a folder of those) "
        "with --text; text may be compressed with gzip; - for standard input",
    )
    parser.add_argument("index", metavar="INDEX", type=Path, help="folder to write")
    _add_columns(parser.add_argument_group("what is read"))
    _add_building(parser.add_argument_group("what is written"))
    add_session(parser)


def _add_columns(group: argparse._ActionsContainer) -> None:
    group.add_argument("--text", metavar="COLUMN", help="column of the names")
    group.add_argument("--code", metavar="COLUMN", help="column of their codes; several names may have one code")
    group.add_argument(
        "--keep", action="append", default=[], metavar="COLUMN", help="column to keep beside, to show and filter by"
    )
    add_where(group, "leave out rows with another value")
    add_layout(group, "FILE")
    group.add_argument(
        "--empty", choices=["refuse", "skip"], default="refuse", help="rows without a name or code (default: refuse)"
    )
    group.add_argument("--synonyms", metavar="FILE", help="table of further names of the codes")
    group.add_argument("--synonym-code", metavar="COLUMN", help="column of its codes (default: as --code)")
    group.add_argument("--synonym-text", metavar="COLUMN", help="column of its names (default: as --text)")


def _add_building(group: argparse._ActionsContainer) -> None:
    group.add_argument(
        "--template",
        metavar="TEXT",
        help='what is embedded, made of {name} and other columns, such as "{name}, a {class}" (default: the name)',
    )
    group.add_argument(
        "--rescore",
        choices=["exact", "none"],
        default="exact",
        help="exact keeps 24 bits of every number, none 8: a third of the size, and some of the nearest differ "
        "(default: %(default)s)",
    )
    group.add_argument(
        "--update", action="store_true", help="replace the index, embedding only texts that it doesn't hold"
    )
    group.add_argument("--force", action="store_true", help="replace the index")
    group.add_argument("--restart", action="store_true", help="forget an interrupted build of the same index")


def run(args: argparse.Namespace) -> int:
    """Build the index."""
    from biolord_onnx.index.building.build import build_index
    from biolord_onnx.index.building.options import BuildOptions
    from biolord_onnx.index.manifest import read_index_manifest

    started = time.perf_counter()
    options = BuildOptions(
        template=args.template,
        rescore=args.rescore == "exact",
        update=args.update,
        force=args.force,
        restart=args.restart,
        batch_tokens=args.batch_tokens,
        progress=wants_progress(),
        notify=tell,
    )
    vocabulary = _vocabulary(args)
    with terminated_once(), load_embedder(args) as embedder:
        build_index(embedder, vocabulary, args.index, options)
        _tell(args, read_index_manifest(args.index).manifest, embedder.max_length, time.perf_counter() - started)
    return 0


def _vocabulary(args: argparse.Namespace) -> Vocabulary:
    from biolord_onnx.index.building.vocabulary import Vocabulary

    return Vocabulary(
        args.file,
        args.text,
        args.code,
        tuple(dict.fromkeys(args.keep)),
        where_from(args.where),
        layout_from(args),
        args.empty,
        _synonyms(args),
    )


def _synonyms(args: argparse.Namespace) -> Synonyms | None:
    from biolord_onnx.index.building.vocabulary import Synonyms

    if args.synonyms is None:
        for option in ("synonym_code", "synonym_text"):
            if getattr(args, option) is not None:
                raise InputError(f"--{option.replace('_', '-')} is given without --synonyms: name the file, too")
        return None
    code, text = args.synonym_code or args.code, args.synonym_text or args.text
    if code is None or text is None:
        raise InputError(f"--synonyms {args.synonyms} needs --code and --text: they say what names stand for")
    return Synonyms(args.synonyms, code, text, layout_from(args))


def _tell(args: argparse.Namespace, manifest: IndexManifest, limit: int, seconds: float) -> None:
    counts, recall = manifest.counts, manifest.recall
    if counts.truncated:
        tell(f"{counts.truncated} of {counts.rows} texts have more than {limit} tokens and were cut")
    of_codes = "" if counts.codes is None else f" of {counts.codes} codes ({counts.shared} with several names)"
    size = sum(entry.size for entry in manifest.files)
    tell(
        f"{args.index}: {counts.rows} names{of_codes}, {size / 1e6:.1f} MB, in {seconds:.1f} s; of the 10 nearest of "
        f"{recall.queries} names, a search finds {100 * recall.overlap:.1f} %"
    )
