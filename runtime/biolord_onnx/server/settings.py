"""How the server behaves: limits, keys, addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from biolord_onnx.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask for.

    Attributes:
        texts: Most texts of a request.
        characters: Most characters of a request, all texts together.
        text_characters: Most characters of a text, and of a request for tokens.
        body_bytes: Most bytes of a request's body.
        queue_tokens: Most tokens that wait to be computed; more are refused.
        top: Most hits of a query.
        hits: Most hits that the queries of a search may have together.
        queue_queries: Most queries of searches under way; more are refused.
        requests: Most requests under way.
        keyless: Most requests under way for what needs no key, health apart.
        connections: Most connections; fewer where the system allows fewer open files.
        timeout_s: Seconds that a request may take, its body's arrival included.
        header_s: Seconds that a connection may take to send a request's head.
        write_s: Seconds in which a client must take some of its answer.
        shutdown_s: Seconds that requests under way get when the server stops.
    """

    texts: int = 2048
    characters: int = 2_000_000
    text_characters: int = 100_000
    body_bytes: int = 16_000_000
    queue_tokens: int = 50_000
    top: int = 1000
    hits: int = 50_000
    queue_queries: int = 4096
    requests: int = 512
    keyless: int = 8
    connections: int = 1024
    timeout_s: float = 120.0
    header_s: float = 10.0
    write_s: float = 10.0
    shutdown_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything that a server process needs to know.

    Attributes:
        artifact: The artifact folder.
        index: The folder of the index to search, None for none.
        reranker: The artifact folder of a cross-encoder, None for none.
        host: Address to listen on.
        port: Of that address; 0 takes a free one.
        provider: Execution provider.
        threads: Cores of this process; None for those available.
        keys: API keys, any of which authorizes a request; empty disables authentication.
        truncate_dim: Numbers that are left of a vector; None for all.
        auto_truncate: Whether texts over the limit are cut unless a request says otherwise.
        hosts: Names that requests may give the server beside this machine's own.
        cors_origins: Web origins whose pages may call the server.
        tls_certificate: File of the certificate, None for plain HTTP.
        tls_key: File of its key.
        quiet: Whether requests are not logged.
        limits: What a client may ask for.
        fingerprint: Of the one artifact to serve, in every process; None for any.
        index_fingerprint: Likewise of the index.
        reranker_fingerprint: Likewise of the cross-encoder.
    """

    artifact: str
    index: str | None = None
    reranker: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    provider: str = "auto"
    threads: int | None = None
    keys: tuple[str, ...] = ()
    truncate_dim: int | None = None
    auto_truncate: bool = False
    hosts: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    tls_certificate: str | None = None
    tls_key: str | None = None
    quiet: bool = False
    limits: Limits = Limits()
    fingerprint: str | None = None
    index_fingerprint: str | None = None
    reranker_fingerprint: str | None = None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, keys: tuple[str, ...], *, no_auth: bool) -> None:
    """Refuse to let strangers in by accident.

    Raises:
        InputError: ``host`` can be reached from outside, and there is neither a key nor ``--no-auth``.
    """
    if not keys and not no_auth and not is_loopback(host):
        raise InputError(
            f"--host {host} can be reached by other machines and there is no API key: "
            "give --api-key or --api-key-file, or --no-auth to serve without keys"
        )
