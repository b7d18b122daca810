"""Machines on which nothing can be written, as containers with --read-only are."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from guards.missing import find_program, missing
from unit.runtime.command import COMMAND

MOUNTED = """
for place in / /tmp /var/tmp; do mount -o remount,ro,bind "$place" 2>/dev/null; done
touch /tmp/writable 2>/dev/null && exit 77
cd / && unset TMPDIR && exec "$@"
"""


def run(stdin: bytes, *arguments: object) -> subprocess.CompletedProcess[bytes]:
    """Run a command where no folder of its own, or of the system's, takes a file."""
    unshare = find_program("unshare", "util-linux", as_root=True)
    command = [unshare, "--mount", "sh", "-c", MOUNTED, "sh", *COMMAND, *map(str, arguments)]
    # The tool that measures coverage would write, too, and complain.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, env=environment)
    if done.returncode == 77:
        missing("/tmp can't be mounted read-only: give the container the capability SYS_ADMIN")
    return done


def test_standard_input_needs_no_disk(tiny: Path) -> None:
    """Its texts are read twice, from memory."""
    done = run(b"cat\nscratch injury\n", "embed", tiny, "--input", "-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert [json.loads(line)["text"] for line in done.stdout.splitlines()] == ["cat", "scratch injury"]
    done = run(b"cat\n\xff\n", "embed", tiny, "--input", "-")
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1)
    assert b"standard input, line 2: byte 0xff is not UTF-8" in done.stderr


def test_what_must_be_written_is_one_line(tiny: Path) -> None:
    """With the place that can't be."""
    for arguments in (
        ("embed", tiny, "cat", "--output", "/tmp/vectors.npy"),
        ("embed", tiny, "--input", "-", "--output", "/tmp/vectors.npy"),
        ("pack", tiny, "--wheel", "/tmp/wheels"),
        ("pack", tiny, "--docker", "/tmp/context"),
    ):
        done = run(b"cat\n", *arguments)
        assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (2, b"", 1), done.stderr
        assert any(reason in done.stderr for reason in (b"Read-only file system", b"can't be written to"))
        assert b"/tmp" in done.stderr
