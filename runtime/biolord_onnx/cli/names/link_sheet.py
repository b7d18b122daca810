"""Arguments that say what a file of links looks like."""

from __future__ import annotations

import argparse
import uuid
from typing import TYPE_CHECKING

from biolord_onnx.errors import InputError
from biolord_onnx.link.formats.choosing import FORMATS
from biolord_onnx.link.links import Sheet
from biolord_onnx.link.mapping_sets import NO_LICENSE, MappingSet, Prefix, check_address

if TYPE_CHECKING:
    from biolord_onnx.bulk.source import Source
    from biolord_onnx.index.index import Index


def add_sheet(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    group = parser.add_argument_group("what is written")
    group.add_argument(
        "--format",
        dest="form",
        choices=list(FORMATS),
        help="what --output is (default: what its name ends in, JSON lines on standard output): a row a candidate as "
        "csv or parquet, an object a term as jsonl, what Usagi opens, or a mapping set of SSSOM",
    )
    group.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="COL",
        help="column of --input that is written beside each term",
    )
    group.add_argument(
        "--no-match",
        default="",
        metavar="CODE",
        help="code of terms without candidates in csv and parquet (default: none)",
    )
    group.add_argument("--frequency", metavar="COL", help="column that counts how often a term occurs, for Usagi")
    group = parser.add_argument_group("what SSSOM asks for")
    group.add_argument(
        "--prefix",
        action="append",
        default=[],
        metavar="NAME=IRI",
        help="what codes of the index begin with, as DOID=http://purl.obolibrary.org/obo/DOID_; codes without a prefix "
        "get the first",
    )
    group.add_argument("--source-prefix", metavar="NAME=IRI", help="likewise, of the ids in --id-column")
    group.add_argument("--object-source", metavar="CURIE", help="the vocabulary of the index")
    group.add_argument("--set-id", metavar="IRI", help="identifies the mapping set (default: made from what is linked)")
    group.add_argument("--license", metavar="IRI", help="of the mapping set (default: unspecified)")


def read_sheet(args: argparse.Namespace, source: Source, index: Index) -> Sheet:
    """Put the arguments together.

    Raises:
        InputError: One can't be used.
    """
    return Sheet(
        args.column or "term",
        args.id_column,
        kept_columns(args),
        index.columns,
        args.no_match,
        args.frequency,
        MappingSet(
            check_address(args.set_id, "--set-id") if args.set_id else _made(source, index),
            check_address(args.license, "--license") if args.license else NO_LICENSE,
            tuple(Prefix.parse(text, "--prefix") for text in args.prefix),
            Prefix.parse(args.source_prefix, "--source-prefix") if args.source_prefix else None,
            args.object_source,
        ),
    )


def refuse_idle(args: argparse.Namespace, name: str) -> None:
    """Refuse options that the output's form has no use for.

    Args:
        args: Of the command.
        name: Of the form.

    Raises:
        InputError: One is given.
    """
    for other in FORMATS.values():
        for option in other.options:
            if getattr(args, option) and option not in FORMATS[name].options:
                raise InputError(f"--{option.replace('_', '-')} means nothing in {name}: leave it out")


def kept_columns(args: argparse.Namespace) -> tuple[str, ...]:
    """Return the columns that are read beside term and id, to be written."""
    return tuple(dict.fromkeys([*args.keep, *([args.frequency] if args.frequency else [])]))


def _made(source: Source, index: Index) -> str:
    """Return the same for the same terms and index, and something else for others."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"biolord-onnx {index.fingerprint} {source.digest}").urn
