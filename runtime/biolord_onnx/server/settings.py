"""How the server behaves: limits, keys, addresses."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from biolord_onnx.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """What a client may ask for.

    Attributes:
        texts: most texts of a request.
        characters: most characters of a request, all texts together.
        text_characters: most characters of a text, and of a request for tokens.
        body_bytes: most bytes of a request's body.
        queue_tokens: most tokens that wait to be computed; more are refused.
        top: most hits of a query.
        hits: most hits that the queries of a search may have together.
        queue_queries: most queries of searches under way; more are refused.
        requests: most requests under way.
        keyless: most requests under way for what needs no key, health apart.
        connections: most connections; fewer where the system allows fewer open files.
        timeout_s: seconds that a request may take, its body's arrival included.
        header_s: seconds that a connection may take to send a request's head.
        write_s: seconds in which a client must take some of its answer.
        shutdown_s: seconds that requests under way get when the server stops.
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
        artifact: the artifact folder.
        index: the folder of the index to search, None for none.
        reranker: the artifact folder of a cross-encoder, None for none.
        host: address to listen on.
        port: of that address; 0 takes a free one.
        provider: execution provider.
        threads: cores of this process; None for those available.
        keys: API keys, any of which opens the door; none opens it for everybody.
        auto_truncate: whether texts over the limit are cut unless a request says otherwise.
        hosts: names that requests may give the server beside this machine's own.
        cors_origins: web origins whose pages may call the server.
        tls_certificate: file of the certificate, None for plain HTTP.
        tls_key: file of its key.
        quiet: whether requests are not logged.
        limits: what a client may ask for.
        fingerprint: of the one artifact to serve, in every process; None for any.
        index_fingerprint: likewise of the index.
        reranker_fingerprint: likewise of the cross-encoder.
    """

    artifact: str
    index: str | None = None
    reranker: str | None = None
    host: str = "127.0.0.1"
    port: int = 8080
    provider: str = "auto"
    threads: int | None = None
    keys: tuple[str, ...] = ()
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
        InputError: others can reach ``host``, there is no key, and nobody said that there needn't be one.
    """
    if not keys and not no_auth and not is_loopback(host):
        raise InputError(
            f"--host {host} can be reached by other machines and there is no API key: "
            "give --api-key or --api-key-file, or --no-auth to let everybody in"
        )
