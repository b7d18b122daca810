"""Plays a container: run by the test of the build context, in namespaces of its own, with the standard library alone.

Reads a task as JSON from stdin and prints what it found.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

SIOCSIFFLAGS = 0x8914
IFF_UP = 1
ADDRESS = "http://127.0.0.1:8080"
SECONDS = 120


def main() -> None:
    """Start the entry point, wait until it is healthy, ask it, stop it."""
    task = json.load(sys.stdin)
    root = task["root"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        fcntl.ioctl(probe, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    for place in ("proc", "tmp", "dev"):
        os.makedirs(f"{root}/{place}", exist_ok=True)  # noqa: PTH103 - one import less
    mounts = [
        ["--bind", root, root],
        ["-o", "remount,bind,ro", root],
        ["-t", "proc", "proc", f"{root}/proc"],
        ["-t", "tmpfs", "tmpfs", f"{root}/tmp"],
        ["--bind", "/dev", f"{root}/dev"],
    ]
    for mount in mounts:
        subprocess.run(["mount", *mount], check=True)
    started = time.monotonic()
    server = start(task, task["entry_point"])
    while start(task, task["health"], quiet=True).wait() != 0:
        if server.poll() is not None or time.monotonic() - started > SECONDS:
            sys.exit(f"the server ended with {server.poll()}, or isn't healthy")
        time.sleep(0.1)
    seconds = time.monotonic() - started
    with open(f"/proc/{server.pid}/status", encoding="utf-8") as status:  # noqa: PTH123 - one import less
        uid = next(int(line.split()[1]) for line in status if line.startswith("Uid:"))
    found = {
        "seconds": seconds,
        "uid": uid,
        "unwritable": start(task, ["touch", "/artifact/x"], quiet=True).wait() != 0,
        "without_key": ask(task, None),
        "vector": ask(task, task["key"]),
    }
    server.send_signal(signal.SIGTERM)
    print(json.dumps(found | {"code": server.wait(30)}))  # noqa: T201 - that is its answer


def start(task: dict[str, Any], command: list[str], *, quiet: bool = False) -> subprocess.Popen[bytes]:
    """Start a program inside."""

    def enter() -> None:
        os.chroot(task["root"])
        os.chdir("/")
        os.setgroups([])
        os.setgid(task["user"][1])
        os.setuid(task["user"][0])

    environment = task["environment"]
    # The program is looked for before the root changes: env finds it behind that.
    whole = ["/usr/bin/env", *command]
    complaints = subprocess.DEVNULL if quiet else None
    return subprocess.Popen(whole, env=environment, preexec_fn=enter, stdout=subprocess.DEVNULL, stderr=complaints)  # noqa: PLW1509 - no threads here


def ask(task: dict[str, Any], key: str | None) -> Any:  # noqa: ANN401 - a vector, or a status
    """Ask for a vector."""
    body = json.dumps({"input": task["text"], "model": "x"}).encode()
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urlopen(Request(f"{ADDRESS}/v1/embeddings", body, headers)) as answer:
            return json.load(answer)["data"][0]["embedding"]
    except HTTPError as error:
        return error.code


if __name__ == "__main__":
    main()
