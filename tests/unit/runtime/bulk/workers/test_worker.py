"""A worker process."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from biolord_onnx.bulk.workers.messages import receive_answer, send
from biolord_onnx.bulk.workers.processes import _START
from biolord_onnx.bulk.workers.worker import Duties, _told, listen, main, work
from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import BiolordError
from biolord_onnx.loading import LoadOptions
from unit.runtime.command import PATIENCE, ended

PLAIN = EncodeOptions()


class EndedError(Exception):
    """Stands for the end of the process."""


def requests(*messages: object) -> io.BytesIO:
    """Write what a parent sends before it goes away."""
    stream = io.BytesIO()
    for message in messages:
        send(stream, message)
    return io.BytesIO(stream.getvalue())


def end(_: int) -> None:
    """End the process, as it were."""
    raise EndedError


def test_texts_become_vectors(tiny: Path, embedder: Embedder) -> None:
    """Until there are no more."""
    duties, answers = Duties(), io.BytesIO()
    for texts in (["cat"], ["dog", "cat"], None):
        duties.texts.put(texts)
    work(LoadOptions(str(tiny)), PLAIN, duties, answers)
    answers.seek(0)
    for texts in (["cat"], ["dog", "cat"]):
        np.testing.assert_array_equal(receive_answer(answers).vectors, embedder.encode(texts))  # type: ignore[union-attr]
    assert duties.finished == 3


def test_errors_are_answers(tiny: Path, tmp_path: Path) -> None:
    """Those of loading, those of encoding, and mistakes of ours with their traceback."""
    for place, options, told in (
        (tmp_path, PLAIN, "has no manifest.json"),
        (tiny, EncodeOptions(batch_tokens=0), "batch_tokens is 0"),
        (tiny, EncodeOptions(batch_tokens="x"), "batch_tokens|Traceback"),  # type: ignore[arg-type]
    ):
        duties, answers = Duties(), io.BytesIO()
        for texts in (["cat"], None):
            duties.texts.put(texts)
        work(LoadOptions(str(place)), options, duties, answers)
        answers.seek(0)
        answer = receive_answer(answers)
        assert isinstance(answer, BiolordError)
        assert re.search(told, str(answer))


def test_a_mistake_of_ours_keeps_its_place() -> None:
    """Its traceback is part of the message."""
    with pytest.raises(ValueError, match="ours") as raised:
        int("ours")
    told = _told(raised.value)
    assert isinstance(told, BiolordError)
    assert "test_worker.py" in str(told)


def test_a_parent_that_is_gone_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nobody to tell."""
    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(os, "dup2", lambda *_: None)
    monkeypatch.setattr(os, "dup", lambda _: -1)
    monkeypatch.setattr(os, "fdopen", lambda *_: io.BytesIO())
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    with pytest.raises(EndedError):
        main()


def test_a_worker_that_waits_is_let_go() -> None:
    """Its parent closes the pipe; what it had sent is done."""
    duties = Duties(finished=2)
    listen(requests(["cat"]), duties)
    assert (duties.texts.get(), duties.texts.get()) == (["cat"], None)


@pytest.mark.parametrize("cut", [0, 1])
def test_a_worker_that_is_busy_was_left_behind(monkeypatch: pytest.MonkeyPatch, cut: int) -> None:
    """Its parent is gone, be it in the middle of a request: nobody wants the answer."""
    monkeypatch.setattr(os, "_exit", end)
    content = requests(["cat"]).getvalue()
    with pytest.raises(EndedError):
        listen(io.BytesIO(content[: len(content) - cut]), Duties())


@pytest.mark.usefixtures("measured")
@pytest.mark.parametrize("answered", [False, True])
def test_a_parent_that_is_gone(tiny: Path, answered: bool) -> None:
    """The real process: it ends in the middle of millions of words, as its code tells, and while it waits."""
    command = [sys.executable, "-P", "-c", _START]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        text = "cat" if answered else "cat " * 4_000_000
        for message in (sys.path, [asdict(LoadOptions(str(tiny))), asdict(PLAIN)], [text]):
            send(process.stdin, message)
        if answered:
            receive_answer(process.stdout)
        else:
            time.sleep(1)
            assert process.poll() is None
        process.stdin.close()
        assert ended(process) == (0 if answered else 1)


PATHS = json.dumps(sys.path).encode() + b"\n"


@pytest.mark.parametrize(
    "told", [b"", b"[", PATHS, PATHS + b"[{"], ids=["nothing", "half a line", "a line", "half of the next"]
)
def test_a_parent_that_is_gone_before_it_said_all(told: bytes) -> None:
    """It ends without a word: there is nobody to tell."""
    command = [sys.executable, "-P", "-c", _START]
    done = subprocess.run(command, input=told, capture_output=True, check=False, timeout=PATIENCE)
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")


def test_ctrl_c_is_the_first_process_s_business(tiny: Path) -> None:
    """A terminal sends it to all."""
    command = [sys.executable, "-P", "-c", _START]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for message in (sys.path, [asdict(LoadOptions(str(tiny))), asdict(PLAIN)], ["cat"]):
            send(process.stdin, message)
        receive_answer(process.stdout)
        process.send_signal(signal.SIGINT)
        process.stdin.close()
        assert ended(process) == 0
