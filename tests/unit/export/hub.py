"""A model hub of one checkpoint on this machine, for the real client to talk to."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

ID = "example/tiny-mpnet"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISIONS = ("main", "refs/pr/1", COMMIT)
NOWHERE = "http://127.0.0.1:9"
"""Nobody listens at the discard port."""


@dataclass(frozen=True)
class Hub:
    """A running hub.

    Attributes:
        folder: The files of its one model.
        url: What ``HF_ENDPOINT`` is to be.
        asked: The paths of the files that were downloaded.
        breaks: Files whose download ends in the middle.
    """

    folder: Path
    url: str
    asked: list[str] = field(default_factory=list)
    breaks: set[str] = field(default_factory=set)

    def environment(self, cache: Path) -> dict[str, str]:
        """Return what makes the real client talk to this hub and keep files in ``cache``."""
        return {"HF_ENDPOINT": self.url, "HF_HOME": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}


@contextmanager
def running_hub(folder: Path) -> Iterator[Hub]:
    """Serve a checkpoint folder as the model `ID`, until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        hub = Hub(folder, f"http://127.0.0.1:{server.server_port}")
        _Handler.hub = hub
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()


def cached(folder: Path, cache: Path) -> Path:
    """Lay a checkpoint out as the hub's client keeps it, and return its snapshot folder."""
    model = cache / "hub" / f"models--{ID.replace('/', '--')}"
    snapshot = model / "snapshots" / COMMIT
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        blob = model / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(path.read_bytes())
        link = snapshot / path.relative_to(folder)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT, encoding="utf-8")
    return snapshot


class _Handler(BaseHTTPRequestHandler):
    """Answers as the hub does: a model's state, its list of files, and the files."""

    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, *, with_body: bool) -> None:
        path = unquote(urlsplit(self.path).path)
        api, resolve = f"/api/models/{ID}/", f"/{ID}/resolve/"
        if path.startswith(api):
            kind, _, rest = path.removeprefix(api).partition("/")
            revision = rest.rstrip("/") or "main"
        elif path.startswith(resolve):
            kind = "file"
            revision, _, rest = path.removeprefix(resolve).partition("/")
        else:
            self._refuse("RepoNotFound", 404)
            return
        if revision not in REVISIONS:
            self._refuse("RevisionNotFound", 404)
        elif kind == "revision":
            self._send_json({"id": ID, "modelId": ID, "sha": COMMIT, "siblings": self._files("rfilename")})
        elif kind == "tree":
            self._send_json(self._files("path"))
        else:
            self._send_file(rest, with_body=with_body)

    def _files(self, key: str) -> list[dict[str, object]]:
        paths = sorted(path for path in self.hub.folder.rglob("*") if path.is_file())
        return [
            {
                key: path.relative_to(self.hub.folder).as_posix(),
                "type": "file",
                "size": path.stat().st_size,
                "oid": _etag(path),
            }
            for path in paths
        ]

    def _send_file(self, name: str, *, with_body: bool) -> None:
        path = self.hub.folder / name
        if not path.is_file():
            self._refuse("EntryNotFound", 404)
            return
        content = path.read_bytes()
        headers = {"ETag": f'"{_etag(path)}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        self._head(200, len(content), headers)
        if with_body:
            self.hub.asked.append(name)
            self.wfile.write(content[: len(content) // 2] if name in self.hub.breaks else content)
            self.close_connection = name in self.hub.breaks

    def _send_json(self, value: object) -> None:
        content = json.dumps(value).encode()
        self._head(200, len(content), {"Content-Type": "application/json"})
        self.wfile.write(content)

    def _refuse(self, code: str, status: int) -> None:
        self._head(status, 0, {"X-Error-Code": code, "X-Error-Message": code})

    def _head(self, status: int, length: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(key, value)
        self.end_headers()


def _etag(path: Path) -> str:
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
