"""Who encodes: this process or others."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.bulk.parts import Part
from biolord_onnx.bulk.workers.processes import encode_in_processes
from biolord_onnx.bulk.workers.work import encode_here
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import ArtifactError, BiolordError, InputError
from biolord_onnx.loading import LoadOptions
from unit.runtime.command import PATIENCE, heeding_signals

PLAIN = EncodeOptions()
NAMES = [f"cat {number}" for number in range(40)]


def parts(names: list[str] = NAMES) -> list[Part]:
    """Cut names into parts of five."""
    none = np.empty(0, np.int64)
    return [
        Part(start, start + 5, names[start : start + 5], np.arange(start, start + 5), none, none)
        for start in range(0, len(names), 5)
    ]


@pytest.mark.usefixtures("measured")
def test_processes_give_what_this_one_gives(tiny: Path, embedder: Embedder) -> None:
    """In order."""
    session = LoadOptions(str(tiny), threads=1)
    here = list(encode_here(parts(), embedder, PLAIN))
    there = list(encode_in_processes(parts(), session, PLAIN, workers=2))
    assert [part.start for part, _ in there] == [part.start for part, _ in here]
    for (_, one), (_, other) in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.vectors, other.vectors)
        np.testing.assert_array_equal(one.token_counts, other.token_counts)


def test_options_are_passed_on(tiny: Path, embedder: Embedder) -> None:
    """All of them."""
    options = EncodeOptions(normalize=True, batch_tokens=8, overflow="window", precision="float16")
    long = ["cat " * 30] * 5
    ((_, info),) = encode_in_processes(parts(long), LoadOptions(str(tiny)), options, workers=1)
    expected = embedder.encode_with_info(long, normalize=True, batch_tokens=8, overflow="window", precision="float16")
    np.testing.assert_array_equal(info.vectors, expected.vectors)
    assert not info.truncated.any()


def children() -> list[int]:
    """Return the worker processes that this one has started and that have not ended; other tests have children, too."""
    return [pid for pid, state, parent in _processes() if parent == os.getpid() and state in "RSD" and _works(pid)]


def _processes() -> Iterator[tuple[int, str, int]]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            yield int(path.parent.name), state, int(parent)


def _works(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"biolord_onnx.bulk.workers" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("at", [0, 3])
def test_a_killed_process_is_an_error(tiny: Path, number: signal.Signals, at: int) -> None:
    """One line that says what to do, while it starts and later, and no process is left."""

    def killing() -> Iterator[Part]:
        for count, part in enumerate(parts()):
            yield part
            if count == at:
                os.kill(children()[0], number)

    killed = r"one of 2 worker processes was killed \(out of memory\?\): run it again"
    with heeding_signals(), pytest.raises(BiolordError, match=killed):
        list(encode_in_processes(killing(), LoadOptions(str(tiny)), PLAIN, workers=2))
    assert children() == []


@needs_proc
def test_a_killed_process_is_noticed_while_another_one_is_busy(tiny: Path) -> None:
    """Not when its turn comes, which may be minutes later: never, here, for the one before it stands still."""
    running = encode_in_processes(parts(), LoadOptions(str(tiny)), PLAIN, workers=2)
    next(running)
    still, killed = children()
    os.kill(still, signal.SIGSTOP)
    let_go = threading.Timer(PATIENCE, os.kill, (still, signal.SIGKILL))
    let_go.start()
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(BiolordError, match="was killed"):
        list(running)
    assert let_go.is_alive()
    let_go.cancel()


@needs_proc
def test_an_interruption_ends_the_processes(tiny: Path) -> None:
    """At once: what they are at is of no use."""
    running = encode_in_processes(parts(), LoadOptions(str(tiny)), PLAIN, workers=2)
    next(running)
    assert len(children()) == 2
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)
    assert children() == []


@needs_proc
def test_no_more_processes_than_parts(tiny: Path) -> None:
    """They are started when there is work for them, and let go when there is none."""
    running = encode_in_processes(parts(NAMES[:10]), LoadOptions(str(tiny)), PLAIN, workers=4)
    next(running)
    assert len(children()) <= 2
    assert len(list(running)) == 1
    assert children() == []


def test_errors_of_a_process_are_raised_here(tiny: Path, tmp_path: Path) -> None:
    """As this process would raise them: those of loading, and those of encoding."""
    with pytest.raises(ArtifactError, match=r"has no manifest\.json"):
        list(encode_in_processes(parts(), LoadOptions(str(tmp_path)), PLAIN, workers=2))
    wrong = EncodeOptions(batch_tokens=0)
    with pytest.raises(InputError, match="batch_tokens is 0"):
        list(encode_in_processes(parts(), LoadOptions(str(tiny)), wrong, workers=2))


def test_a_mistake_of_ours_is_told_with_its_place(tiny: Path) -> None:
    """A traceback doesn't travel between processes."""
    options = EncodeOptions(batch_tokens="many")  # type: ignore[arg-type]
    with pytest.raises(BiolordError, match="a worker process failed: Traceback"):
        list(encode_in_processes(parts(), LoadOptions(str(tiny)), options, workers=1))
