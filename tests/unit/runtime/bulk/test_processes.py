"""Who encodes: this process or others."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.bulk import processes
from biolord_onnx.bulk.parts import Part
from biolord_onnx.bulk.processes import encode_in_processes
from biolord_onnx.bulk.work import encode_here
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import BiolordError
from biolord_onnx.shared import SessionOptions

PLAIN = EncodeOptions()
NAMES = [f"cat {number}" for number in range(40)]


def parts(names: list[str] = NAMES) -> list[Part]:
    """Cut names into parts of five."""
    none = np.empty(0, np.int64)
    return [
        Part(start, start + 5, names[start : start + 5], np.arange(start, start + 5), none, none)
        for start in range(0, len(names), 5)
    ]


def test_processes_give_what_this_one_gives(tiny: Path, embedder: Embedder) -> None:
    """In order."""
    session = SessionOptions(str(tiny), threads=1)
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
    ((_, info),) = encode_in_processes(parts(long), SessionOptions(str(tiny)), options, workers=1)
    expected = embedder.encode_with_info(long, normalize=True, batch_tokens=8, overflow="window", precision="float16")
    np.testing.assert_array_equal(info.vectors, expected.vectors)
    assert not info.truncated.any()


def test_a_killed_process_is_an_error(tiny: Path) -> None:
    """One line that says what to do, and no process is left."""

    def killing() -> Iterator[Part]:
        for number, part in enumerate(parts()):
            yield part
            if number == 3:
                for process in multiprocessing.active_children():
                    assert process.pid is not None
                    os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(BiolordError, match=r"one of 2 worker processes was killed \(out of memory\?\): run it again"):
        list(encode_in_processes(killing(), SessionOptions(str(tiny)), PLAIN, workers=2))
    assert multiprocessing.active_children() == []


def test_an_interruption_ends_the_processes(tiny: Path) -> None:
    """At once: what they are at is of no use."""
    running = encode_in_processes(parts(), SessionOptions(str(tiny)), PLAIN, workers=2)
    next(running)
    assert len(multiprocessing.active_children()) == 2
    with pytest.raises(KeyboardInterrupt):
        running.throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    assert multiprocessing.active_children() == []


def test_what_a_process_does(tiny: Path, monkeypatch: pytest.MonkeyPatch, embedder: Embedder) -> None:
    """Ctrl-C is the first process's business."""
    monkeypatch.setattr(processes, "_worker", [])
    before = signal.getsignal(signal.SIGINT)
    try:
        processes._start(SessionOptions(str(tiny)), PLAIN)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    np.testing.assert_array_equal(processes._encode(["cat"]).vectors, embedder.encode(["cat"]))
