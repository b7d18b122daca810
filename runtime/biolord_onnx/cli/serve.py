"""``biolord serve``: an HTTP server for an artifact."""

from __future__ import annotations

import argparse
import importlib.util
import os
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from biolord_onnx.cli.arguments import MOST_WORKERS, add_artifact, add_truncate_dim, seconds, thread_count, whole_number
from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.install import install_hint

if TYPE_CHECKING:
    from biolord_onnx.server.settings import Limits, ServerSettings

SUMMARY = "serve vectors over HTTP, to clients of OpenAI and text-embeddings-inference"
KEY_VARIABLE = "BIOLORD_API_KEYS"
PACKAGES = ("fastapi", "uvicorn", "orjson", "prometheus_client", "swagger_ui_bundle")
MOST_COUNT = 2**31 - 1
MOST_SECONDS = 7 * 24 * 3600
LIMITS = {
    "texts": "texts of a request",
    "characters": "characters of a request",
    "text_characters": "characters of a text, and of a request to /tokenize",
    "body_bytes": "bytes of a request's body",
    "queue_tokens": "tokens that wait before requests are refused",
    "top": "hits of a query",
    "hits": "hits of a search, those of all its queries together",
    "queue_queries": "queries of searches under way before further ones are refused",
    "requests": "requests under way",
    "keyless": "requests under way for what needs no key: page, documentation",
    "connections": "connections, within what ulimit -n allows",
    "timeout_s": "seconds of a request",
    "header_s": "seconds that a request's head may take",
    "write_s": "seconds in which a client takes no part of its answer",
    "shutdown_s": "seconds that requests get when the server stops",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_artifact(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=whole_number(0, 65535), default=8080, help="default: %(default)s")
    parser.add_argument(
        "--workers",
        type=whole_number(1, MOST_WORKERS),
        default=1,
        metavar="N",
        help="processes (default: %(default)s)",
    )
    parser.add_argument("--reranker", type=Path, metavar="ARTIFACT", help="also rerank, with this cross-encoder")
    parser.add_argument("--index", type=Path, metavar="INDEX", help="also search this index, which biolord index made")
    add_truncate_dim(parser)
    parser.add_argument(
        "--auto-truncate", action="store_true", help="cut texts over the limit unless a request says otherwise"
    )
    group = parser.add_argument_group("who may ask")
    group.add_argument("--api-key", action="append", default=[], metavar="KEY", help="one of the keys; others see it")
    group.add_argument("--api-key-file", type=Path, metavar="FILE", help=f"keys, one per line; or set {KEY_VARIABLE}")
    group.add_argument("--no-auth", action="store_true", help="no key, though others can reach the address")
    group.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name that requests may give this server, such as a proxy's; without a key only this machine's count",
    )
    group.add_argument("--cors-origin", action="append", default=[], metavar="URL", help="web pages that may ask")
    group.add_argument("--tls-certificate", type=Path, metavar="FILE", help="serve HTTPS; with --tls-key")
    group.add_argument("--tls-key", type=Path, metavar="FILE")
    group = parser.add_argument_group("how it runs")
    group.add_argument("--provider", default="auto", help="execution provider (default: %(default)s)")
    group.add_argument(
        "--threads", type=thread_count, metavar="N", help="cores of each process (default: its share of all)"
    )
    group.add_argument("--quiet", action="store_true", help="don't log requests")
    group = parser.add_argument_group("limits, at most")
    for name, meaning in LIMITS.items():
        kind = seconds(MOST_SECONDS) if name.endswith("_s") else whole_number(1, MOST_COUNT)
        group.add_argument(f"--max-{name.replace('_', '-')}", type=kind, metavar="N", help=meaning)


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(f"biolord serve needs {', '.join(missing)}: {install_hint('serve')}")
    settings = read_settings(args)
    from biolord_onnx.server.run import run_server

    run_server(settings, args.workers)
    return 0


def read_settings(args: argparse.Namespace) -> ServerSettings:
    """Put the arguments together.

    Raises:
        InputError: They don't fit each other, or are out of range.
    """
    from biolord_onnx.artifact.folder import open_artifact
    from biolord_onnx.encoding.cutting import check_width
    from biolord_onnx.server.settings import ServerSettings, check_exposure
    from biolord_onnx.session.cores import available_cores

    if (args.tls_certificate is None) != (args.tls_key is None):
        raise InputError("--tls-certificate and --tls-key go together, one of them is missing")
    for path in filter(None, (args.tls_certificate, args.tls_key)):
        if not path.is_file():
            raise InputError(f"{path} is not a file: give the certificate and its key as PEM files")
    keys = _read_keys(args)
    check_exposure(args.host, keys, no_auth=args.no_auth)
    artifact = open_artifact(args.artifact, verify_hashes=False)  # a wrong path is told before anything starts
    if args.truncate_dim is not None:
        check_width(args.truncate_dim, artifact.manifest.dim)
    cores = available_cores(None).count
    return ServerSettings(
        artifact=str(args.artifact),
        index=args.index and str(args.index),
        reranker=args.reranker and str(args.reranker),
        host=args.host,
        port=args.port,
        provider=args.provider,
        threads=args.threads or (None if args.workers == 1 else max(1, cores // args.workers)),
        keys=keys,
        truncate_dim=args.truncate_dim,
        auto_truncate=args.auto_truncate,
        hosts=tuple(args.allow_host),
        cors_origins=tuple(args.cors_origin),
        tls_certificate=args.tls_certificate and str(args.tls_certificate),
        tls_key=args.tls_key and str(args.tls_key),
        quiet=args.quiet,
        limits=_read_limits(args),
    )


def _read_limits(args: argparse.Namespace) -> Limits:
    from biolord_onnx.server.settings import Limits

    given = {field.name: getattr(args, f"max_{field.name}") for field in fields(Limits)}
    return replace(Limits(), **{name: value for name, value in given.items() if value is not None})


def _read_keys(args: argparse.Namespace) -> tuple[str, ...]:
    """Collect the keys; an empty one would authorize requests without a key."""
    from biolord_onnx.server.keys import check_keys, read_key_file

    keys = check_keys(("--api-key", key.strip()) for key in args.api_key)
    if args.api_key_file:
        keys += read_key_file(args.api_key_file)
    # Taken out of the environment: workers inherit it, and /proc shows it.
    listed = os.environ.pop(KEY_VARIABLE, "").split(",")
    keys += check_keys((KEY_VARIABLE, key.strip()) for key in listed)
    if (args.api_key or args.api_key_file) and not keys:
        raise InputError("there is no key in --api-key and --api-key-file: give one, or neither option")
    return tuple(dict.fromkeys(keys))
