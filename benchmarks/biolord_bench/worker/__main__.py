"""One tool in its own environment: loads it and encodes on request. Started by the driver, not by people.

    python -m biolord_bench.worker SETTINGS

Requests are JSON objects on stdin, one per line, with the member ``do``; so are the answers, on the stdout it was
started with. What the libraries print goes to stderr. An exception ends the process: its last line on stderr is the
reason. Everything but the standard library is imported where it is used, so that the times of a start are the tool's.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import ModuleType
from typing import IO

from biolord_bench.worker.process import affinity, end_with_the_driver, keep_to_cores, peak_mb
from biolord_bench.worker.tool import Model, Settings

Request = Mapping[str, object]
Answer = dict[str, object]
WARM_UP = 16
"""Single queries before those that count."""
LEAST = 8
"""Fewest texts of a bulk measurement, however slow the tool."""
PROBE_S = 0.2
"""A call that takes so many seconds tells how quick a tool is."""
JOB = 64
"""Texts of the bulk job that queries have to share the machine with."""


class Worker:
    """A loaded model and the answers to the driver's requests."""

    def __init__(self, settings: Settings, limit: Callable[[], object] = bool) -> None:
        started = time.perf_counter()
        self._module = _adapter(settings)
        limit()
        self._import_ms = _since(started)
        started = time.perf_counter()
        self._model: Model = self._module.load(settings)
        self._load_ms = _since(started)

    def answer(self, request: Request) -> Answer:
        """Answer a request: the method that its ``do`` names."""
        requests: dict[str, Callable[[Request], Answer]] = {
            "start": self.start,
            "tune": self.tune,
            "queries": self.queries,
            "bulk": self.bulk,
            "calls": self.calls,
            "contend": self.contend,
            "vectors": self.vectors,
            "own": self.own,
            "peak": lambda _: {"peak_mb": peak_mb()},
        }
        return requests[str(request["do"])](request)

    def start(self, request: Request) -> Answer:
        """Encode the first text of the process, and tell what ran it."""
        self._use_batch(request)
        first = _texts(request)[:1]
        started = time.perf_counter()
        self._model.encode(first)
        first_ms = _since(started)
        engine = sys.modules.get("onnxruntime")
        return {
            "import_ms": self._import_ms,
            "load_ms": self._load_ms,
            "first_vector_ms": first_ms,
            "max_length": self._model.max_length,
            "python": sys.version.split()[0],
            "affinity": affinity(),
            "onnxruntime": getattr(engine, "__version__", None),
            "kernels": getattr(self._model, "kernels", None),
            "provider": getattr(self._model, "provider", None),
            "tool": _version(str(request["tool"])),
            "engine": _version(str(request["engine"])),
        }

    def tune(self, request: Request) -> Answer:
        """Find the batch size at which the tool is fastest, names and sentences counting alike; None: it has none."""
        speeds: dict[int, float] = {}
        for size in getattr(self._module, "BATCHES", ()):
            self._model.batch = size  # type: ignore[attr-defined]
            speeds[size] = self._speed(_texts(request)) * self._speed(_texts(request, "other"))
        best = max(speeds, key=lambda size: speeds[size], default=None)
        self._use_batch({"batch": best})
        return {"batch": best, "sizes": list(map(float, speeds))}

    def queries(self, request: Request) -> Answer:
        """Encode single texts, one a call, until time is up or there are none left."""
        texts = _texts(request)
        for text in texts[:WARM_UP]:
            self._model.encode([text])
        return {"ms": self._one_by_one(texts, _number(request, "seconds"), int(_number(request, "least")))}

    def bulk(self, request: Request) -> Answer:
        """Encode as many of the texts in one call as the tool gets through in the time given; all without a time."""
        texts = _texts(request)
        self._model.encode(texts[:2])
        count = len(texts)
        if request["seconds"] is not None:
            count = min(count, max(LEAST, int(_number(request, "seconds") * self._speed(texts))))
        cpu, started = time.process_time(), time.perf_counter()
        self._model.encode(texts[:count])
        return {"texts": count, "seconds": time.perf_counter() - started, "cpu_s": time.process_time() - cpu}

    def calls(self, request: Request) -> Answer:
        """Encode groups of texts, one group a call, until time is up."""
        texts, size = _texts(request), int(_number(request, "group"))
        self._model.encode(texts[:size])
        done, cpu, started = 0, time.process_time(), time.perf_counter()
        while done < len(texts) and time.perf_counter() - started < _number(request, "seconds"):
            self._model.encode(texts[done : done + size])
            done += size
        seconds = time.perf_counter() - started
        return {"texts": min(done, len(texts)), "seconds": seconds, "cpu_s": time.process_time() - cpu}

    def contend(self, request: Request) -> Answer:
        """Encode single texts while another thread encodes texts of ``other`` in bulk, over and over."""
        texts, other, stop = _texts(request), _texts(request, "other")[:JOB], threading.Event()
        failures: list[Exception] = []

        def work() -> None:
            try:
                while not stop.is_set():
                    self._model.encode(other)
            except Exception as failure:  # noqa: BLE001 - raised below, in the thread that answers
                failures.append(failure)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            times = self._one_by_one(texts, _number(request, "seconds"), 1)
        finally:
            stop.set()
            thread.join()
        if failures:
            raise failures[0]
        return {"ms": times}

    def vectors(self, request: Request) -> Answer:
        """Write the vectors of the texts to a ``.npy`` file, encoded in calls of ``group`` texts."""
        import numpy as np

        texts = _texts(request)
        size = int(_number(request, "group")) or len(texts)
        calls = [self._model.encode(texts[start : start + size]) for start in range(0, len(texts), size)]
        np.save(str(request["file"]), np.concatenate(calls))
        return {"texts": len(texts)}

    def own(self, request: Request) -> Answer:
        """Measure what only this project's own models can be asked for."""
        from biolord_bench.worker import own

        measured: Answer = own.measure(self._model, request)
        return measured

    def _use_batch(self, request: Request) -> None:
        if request.get("batch") is not None:
            self._model.batch = int(_number(request, "batch"))  # type: ignore[attr-defined]

    def _speed(self, texts: Sequence[str]) -> float:
        """Return texts per second, from calls with more and more texts until one takes long enough to tell."""
        count, seconds = 1, 0.0
        while seconds < PROBE_S and count < len(texts):
            count = min(4 * count, len(texts))
            started = time.perf_counter()
            self._model.encode(texts[:count])
            seconds = time.perf_counter() - started
        return count / max(seconds, 1e-9)

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


def serve(worker: Worker, requests: IO[str], answers: IO[str]) -> None:
    """Answer requests until there are no more."""
    for line in requests:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


def _adapter(settings: Settings) -> ModuleType:
    module = importlib.import_module(f"biolord_bench.peers.adapters.{settings.adapter}")
    # What a variant imports as it loads has to be there, too, before the process is kept to its cores.
    for name in getattr(module, "ENGINES", {}).get(settings.variant, ()):
        importlib.import_module(name)
    return module


def _version(distribution: str) -> str | None:
    """Return the installed version; None for what is run from its sources."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _since(started: float) -> float:
    return 1000 * (time.perf_counter() - started)


def _number(request: Request, key: str) -> float:
    return float(str(request[key]))


def _texts(request: Request, key: str = "texts") -> list[str]:
    with open(str(request[key]), encoding="utf-8") as file:  # noqa: PTH123 - pathlib's import is not the tool's
        texts = json.load(file)
    return [str(text) for text in texts][: int(_number(request, "first")) if "first" in request else None]


def main(arguments: Sequence[str]) -> int:
    """Keep the tool to its cores, load it and serve."""
    settings = Settings.from_json(arguments[0])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    end_with_the_driver()
    serve(Worker(settings, lambda: keep_to_cores(settings.threads)), sys.stdin, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
