"""One tool in its own environment: loads it and encodes on request. Started by the driver, not by people.

    python -m biolord_bench.peers.worker ADAPTER MODEL THREADS [VARIANT]

Requests are JSON objects on stdin, one a line, with the member ``do``; so are the answers on the stdout it was started
with. What the libraries print goes to stderr. An exception ends the process: its last line on stderr is the reason.
Everything but the standard library is imported where it is used, so that the times of a start are the tool's own.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import IO

from biolord_bench.peers.settings import Model, Settings

Answer = dict[str, object]
WARM_UP = 16
"""Single queries before those that count."""
LEAST = 8
"""Fewest texts of a bulk measurement, however slow the tool."""
PROBE_S = 0.2
"""A call that takes so many seconds tells how quick a tool is."""
JOB = 64
"""Texts of the bulk job that queries have to share the machine with."""
_PR_SET_PDEATHSIG = 1


class Worker:
    """A loaded model and the answers to the driver's requests."""

    def __init__(self, adapter: str, settings: Settings, limit: Callable[[], object] = bool) -> None:
        started = time.perf_counter()
        module = importlib.import_module(f"biolord_bench.peers.adapters.{adapter}")
        # What a variant imports as it loads has to be there, too, before the process is kept to its cores.
        for name in getattr(module, "ENGINES", {}).get(settings.variant, ()):
            importlib.import_module(name)
        limit()
        self._import_ms = _since(started)
        started = time.perf_counter()
        self._model: Model = module.load(settings)
        self._load_ms = _since(started)
        self.requests: dict[str, Callable[[Mapping[str, object]], Answer]] = {
            "start": self.start,
            "queries": self.queries,
            "bulk": self.bulk,
            "calls": self.calls,
            "contend": self.contend,
            "vectors": self.vectors,
            "versions": versions,
        }

    def start(self, request: Mapping[str, object]) -> Answer:
        """Encode the first text of the process."""
        first = _texts(request)[:1]
        started = time.perf_counter()
        self._model.encode(first)
        return {
            "import_ms": self._import_ms,
            "load_ms": self._load_ms,
            "first_vector_ms": _since(started),
            "max_length": self._model.max_length,
            "python": sys.version.split()[0],
        }

    def queries(self, request: Mapping[str, object]) -> Answer:
        """Encode single texts, one a call, until time is up or there are none left."""
        texts = _texts(request)
        for text in texts[:WARM_UP]:
            self._model.encode([text])
        return {"ms": self._one_by_one(texts, _number(request, "seconds"), int(_number(request, "least")))}

    def bulk(self, request: Mapping[str, object]) -> Answer:
        """Encode as many of the texts in one call as the tool gets through in the time given."""
        texts = _texts(request)
        self._model.encode(texts[:2])
        count = min(len(texts), max(LEAST, int(_number(request, "seconds") * self._speed(texts))))
        cpu, started = time.process_time(), time.perf_counter()
        self._model.encode(texts[:count])
        return {"texts": count, "seconds": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}

    def calls(self, request: Mapping[str, object]) -> Answer:
        """Encode groups of texts, one group a call, until time is up."""
        texts, size = _texts(request), int(_number(request, "group"))
        self._model.encode(texts[:size])
        done, cpu, started = 0, time.process_time(), time.perf_counter()
        while done < len(texts) and time.perf_counter() - started < _number(request, "seconds"):
            self._model.encode(texts[done : done + size])
            done += size
        return {"texts": done, "seconds": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}

    def contend(self, request: Mapping[str, object]) -> Answer:
        """Encode single texts while another thread encodes texts of ``other`` in bulk, over and over."""
        texts, other, stop = _texts(request), _texts(request, "other")[:JOB], threading.Event()

        def work() -> None:
            while not stop.is_set():
                self._model.encode(other)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            times = self._one_by_one(texts, _number(request, "seconds"), 1)
        finally:
            stop.set()
            thread.join()
        return {"ms": times}

    def vectors(self, request: Mapping[str, object]) -> Answer:
        """Write the vectors of the texts to a ``.npy`` file, encoded in calls of ``group`` texts."""
        import numpy as np

        texts = _texts(request)
        size = int(_number(request, "group")) or len(texts)
        calls = [self._model.encode(texts[start : start + size]) for start in range(0, len(texts), size)]
        np.save(str(request["file"]), np.concatenate(calls))
        return {"texts": len(texts)}

    def _speed(self, texts: Sequence[str]) -> float:
        """Return texts per second, from calls with more and more texts until one takes long enough to tell."""
        count, seconds = 1, 0.0
        while seconds < PROBE_S and count < len(texts):
            count = min(4 * count, len(texts))
            started = time.perf_counter()
            self._model.encode(texts[:count])
            seconds = time.perf_counter() - started
        return count / seconds

    def _one_by_one(self, texts: Sequence[str], seconds: float, least: int) -> list[float]:
        times: list[float] = []
        until = time.perf_counter() + seconds
        for text in texts:
            started = time.perf_counter()
            if started > until and len(times) >= least:
                break
            self._model.encode([text])
            times.append(_since(started))
        return times


def versions(request: Mapping[str, object]) -> Answer:
    """Tell the installed versions of distributions; None for what is run from its sources."""
    return {name: _version(name) for name in str(request["names"]).split(",")}


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def _number(request: Mapping[str, object], key: str) -> float:
    return float(str(request[key]))


def _texts(request: Mapping[str, object], key: str = "texts") -> list[str]:
    with open(str(request[key]), encoding="utf-8") as file:  # noqa: PTH123 - pathlib's import is not the tool's
        texts = json.load(file)
    return [str(text) for text in texts][: int(_number(request, "first")) if "first" in request else None]


def serve(worker: Worker, requests: IO[str], answers: IO[str]) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        request = json.loads(line)
        answer = worker.requests[request["do"]](request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def keep_to_cores(threads: int) -> None:
    """Let this process run on so many cores.

    Not before its libraries are imported: onnxruntime 1.32.0 takes a process that may run on one core then for one on a
    CPU without AMX, and would be measured at a third of its speed.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def _end_with_the_driver() -> None:
    """Have Linux kill this process when the driver dies, however it dies: a stopped process reads no end of file."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: Sequence[str]) -> int:
    """Keep the tool to its cores, load it and serve."""
    adapter, model, threads, *variant = arguments
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _end_with_the_driver()
    settings = Settings(model, int(threads), *variant)
    serve(Worker(adapter, settings, lambda: keep_to_cores(settings.threads)), sys.stdin, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
