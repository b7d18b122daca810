"""Workers answer, stop, hang and fail, and the driver knows which."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from biolord_bench.run.process import WorkerError, WorkerProcess, memory_available, reason

ECHO = "import sys\nfor line in sys.stdin: print(line.strip(), flush=True)"
FAIL = "import sys\nsys.stdin.readline()\nraise ValueError('no such architecture: MPNet')"


def worker(code: str, folder: Path) -> WorkerProcess:
    """Start a process that runs some Python."""
    return WorkerProcess([sys.executable, "-c", code], 1, folder / "log")


def test_a_worker_answers(tmp_path: Path) -> None:
    """A request is one line, and so is the answer."""
    echo = worker(ECHO, tmp_path)
    assert echo.ask(10, do="x", ms=[1.5]) == {"do": "x", "ms": [1.5]}
    assert echo.ask(10, do="long", text="ü" * 100_000)["text"] == "ü" * 100_000
    echo.stop()


def test_a_failure_is_told_in_the_tools_own_words(tmp_path: Path) -> None:
    """The exception's line is the reason, not its traceback."""
    failing = worker(FAIL, tmp_path)
    with pytest.raises(WorkerError, match=r"^ValueError: no such architecture: MPNet$"):
        failing.ask(10, do="start")
    with pytest.raises(WorkerError, match="MPNet"):
        failing.ask(10, do="start")
    failing.stop()


def test_workers_are_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever tool runs in them: neither the hub nor onnxruntime's telemetry is asked for."""
    monkeypatch.setenv("ORT_DISABLE_TELEMETRY", "0")
    telling = worker("import json, os\nprint(json.dumps(dict(os.environ)), flush=True)\ninput()", tmp_path)
    told = telling.ask(10, do="start")
    telling.stop()
    assert (told["ORT_DISABLE_TELEMETRY"], told["HF_HUB_OFFLINE"]) == ("1", "1")


def test_a_silent_end_is_told_with_its_code(tmp_path: Path) -> None:
    """A process that ends without a word has at least a code."""
    ending = worker("raise SystemExit(3)", tmp_path)
    with pytest.raises(WorkerError, match="ended with code 3"):
        ending.ask(10, do="start")
    ending.stop()


def test_a_hanging_worker_is_given_up(tmp_path: Path) -> None:
    """No answer in time ends the process."""
    hanging = worker("import time; time.sleep(60)", tmp_path)
    with pytest.raises(WorkerError, match="no answer within 0 s"):
        hanging.ask(0.2, do="start")
    hanging.stop()


def test_a_paused_worker_uses_no_processor(tmp_path: Path) -> None:
    """Even one that spins stands still until it is resumed."""
    spinning = worker("print('{}', flush=True)\nwhile True: pass", tmp_path)
    spinning.ask(10, do="start")
    spinning.pause()
    time.sleep(0.05)
    before = spinning.cpu_seconds()
    time.sleep(0.2)
    assert spinning.cpu_seconds() == before
    spinning.resume()
    time.sleep(0.3)
    assert spinning.cpu_seconds() > before
    spinning.pause()
    with pytest.raises(WorkerError, match="no answer"):
        spinning.ask(0.1, do="more")
    spinning.stop()


def test_reasons_are_short() -> None:
    """The last exception counts, a Rust panic too; anything else by its last line."""
    assert reason("KeyError: 'a'\n\nDuring handling\n\npkg.mod.OwnError: twice\n") == "pkg.mod.OwnError: twice"
    assert reason("  26: main\npyo3_runtime.PanicException: not supported\n") == (
        "pyo3_runtime.PanicException: not supported"
    )
    assert reason("ERROR: no matching distribution\n") == "ERROR: no matching distribution"
    assert reason("") == ""
    assert len(reason("ValueError: " + "x" * 1000)) == 201


def test_memory_is_the_workers(tmp_path: Path) -> None:
    """What it has alone is a part of what is resident, which fits into what is there."""
    echo = worker(ECHO, tmp_path)
    echo.ask(10, do="x")
    memory = echo.memory()
    echo.stop()
    assert 1 < memory.private_mb < memory.all_mb < memory_available()


def test_a_signal_is_told(tmp_path: Path) -> None:
    """Out of memory, say: the process has no last word."""
    killed = worker("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", tmp_path)
    with pytest.raises(WorkerError, match="ended by signal 9"):
        killed.ask(10, do="start")
    killed.stop()


def test_the_package_is_found_where_it_is_not_installed(tmp_path: Path) -> None:
    """Environments of other tools get a folder with nothing else in it."""
    code = "import json, sys; print(json.dumps({'path': sys.path[1]}), flush=True); input()"
    telling = WorkerProcess([sys.executable, "-c", code], 1, tmp_path / "log", tmp_path)
    assert telling.ask(10, do="start") == {"path": str(tmp_path)}
    telling.stop()
