"""Whether a request that needs no key comes from where it says: a web page may be made to ask in a person's name.

A browser sends what any page wants to 127.0.0.1, with the page's origin; and a page whose name is made to lead to
127.0.0.1 after it was loaded (DNS rebinding) asks with that name for a host.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from biolord_onnx.server.problems import FORBIDDEN, ApiError
from biolord_onnx.server.settings import ServerSettings, is_loopback


class Origins:
    """The hosts and origins that are let in."""

    def __init__(self, settings: ServerSettings) -> None:
        """Check if there is no key and this machine alone is listened to; otherwise let pass."""
        self._checked = not settings.keys and is_loopback(settings.host)
        self._hosts = {name.lower() for name in (settings.host, *settings.hosts)}
        self._origins = {origin.lower() for origin in settings.cors_origins}

    def check(self, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Look at a request.

        Raises:
            ApiError: Its host isn't this machine, or a page of another origin asks.
        """
        if not self._checked:
            return
        found = {name: value.decode("latin-1").lower() for name, value in headers if name in {b"host", b"origin"}}
        host = found.get(b"host")  # HTTP/1.0 has none, and no browser speaks that
        if host is not None and not self._knows(host):
            raise ApiError(
                FORBIDDEN, "the request is for another host, and there is no key: ask for localhost, or --allow-host"
            )
        origin = found.get(b"origin")
        if origin is not None and not self._trusts(origin, host):
            raise ApiError(FORBIDDEN, "a page of another origin asks, and there is no key: name it with --cors-origin")

    def _knows(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return is_loopback(name) or name in self._hosts

    def _trusts(self, origin: str, host: str | None) -> bool:
        own = {f"{scheme}://{host}" for scheme in ("http", "https")}
        return origin in own or bool(self._origins & {origin, "*"})
