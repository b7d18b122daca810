"""The worker's answers, with a real model of a few kilobytes."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from biolord_bench.run.jobs import Job
from biolord_bench.worker.__main__ import LEAST, Worker, serve
from biolord_bench.worker.tool import Settings, in_batches, only_file, sentence_length
from biolord_bench.workloads.counted import Written


@pytest.fixture(scope="module")
def worker(jobs: Sequence[Job]) -> Worker:
    """A worker with our own adapter."""
    return Worker(jobs[0].settings)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity call")
@pytest.mark.parametrize(("variant", "imported"), [("", False), ("own", True)])
def test_libraries_are_imported_before_the_process_is_kept_to_its_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str, imported: bool
) -> None:
    """The adapter's and what its variant imports as it loads; loading comes after."""
    order: list[str] = []
    monkeypatch.setattr("builtins.order", order, raising=False)
    (tmp_path / "engine_of_own.py").write_text("order.append('engine')", "utf-8")
    adapter = "ENGINES = {'own': ('engine_of_own',)}\norder.append('adapter')\ndef load(_): order.append('load')"
    (tmp_path / "ordered.py").write_text(adapter, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr("biolord_bench.peers.adapters.__path__", [str(tmp_path)])
    for name in ("biolord_bench.peers.adapters.ordered", "engine_of_own"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    Worker(Settings("ordered", "", 1, variant), lambda: order.append("limit"))
    assert order == ["adapter", *["engine"] * imported, "limit", "load"]


def test_a_start_is_taken_apart(worker: Worker, texts: Mapping[str, Written]) -> None:
    """Import, load and first vector are told one by one, with the limit of the model."""
    answer = worker.start({"texts": texts["queries"].path, "tool": "onnxruntime", "engine": "no-such"})
    assert (answer["tool"], answer["engine"]) == (onnxruntime.__version__, None)
    assert answer["max_length"] == 4096
    assert all(float(str(answer[key])) > 0 for key in ("load_ms", "first_vector_ms"))


def test_queries_are_timed_one_by_one(worker: Worker, texts: Mapping[str, Written]) -> None:
    """At least so many, however long they take, and no more than there are."""
    request = {"texts": texts["queries"].path, "seconds": 0, "least": 7}
    assert len(np.array(worker.queries(request)["ms"])) == 7
    assert len(np.array(worker.queries({**request, "seconds": 60})["ms"])) == 200


def test_bulk_takes_as_many_texts_as_time_allows(worker: Worker, texts: Mapping[str, Written]) -> None:
    """A slow tool encodes a prefix, never fewer than a handful; a quick one all there is."""
    request = {"texts": texts["long"].path}
    assert worker.bulk({**request, "seconds": 0})["texts"] == LEAST
    assert worker.bulk({**request, "seconds": 3600})["texts"] == 50
    assert worker.bulk({**request, "seconds": None})["texts"] == 50


def test_calls_are_whole_groups(worker: Worker, texts: Mapping[str, Written]) -> None:
    """What is counted was encoded, a request at a time."""
    answer = worker.calls({"texts": texts["mixed"].path, "group": 8, "seconds": 3600})
    assert answer["texts"] == 320


def test_queries_get_through_beside_a_bulk_job(worker: Worker, texts: Mapping[str, Written]) -> None:
    """Each has its time, and the job is over when the answer comes."""
    paths = {"texts": texts["queries"].path, "other": texts["definitions"].path}
    assert len(np.array(worker.contend({**paths, "seconds": 0.05})["ms"])) > 0


def test_vectors_are_the_same_in_groups(worker: Worker, texts: Mapping[str, Written], tmp_path: Path) -> None:
    """Order is kept, whatever the size of a call."""
    request = {"texts": texts["compared"].path, "first": 10}
    arrays = []
    for group in (0, 1, 4):
        file = tmp_path / f"{group}.npy"
        worker.vectors({**request, "group": group, "file": file})
        arrays.append(np.load(file))
    assert arrays[0].shape == (10, 8)
    for array in arrays[1:]:
        np.testing.assert_allclose(array, arrays[0], atol=1e-6)


def test_a_bulk_job_that_fails_is_not_hidden(worker: Worker, texts: Mapping[str, Written], tmp_path: Path) -> None:
    """Queries beside a job that died would look fast."""
    broken = tmp_path / "broken.json"
    broken.write_text('["fine", "\\ud800"]', encoding="utf-8")
    with pytest.raises(Exception, match="surrogate"):
        worker.contend({"texts": texts["queries"].path, "other": broken, "seconds": 0.05})


TUNED = """
import time
import numpy as np
BATCHES = (1, 8, 64)
class Model:
    max_length, batch = 9, 1
    def encode(self, texts):
        time.sleep(0.001 if self.batch == 8 else 0.004)
        return np.ones((len(texts), 2), dtype=np.float32)
def load(_): return Model()
"""


def test_a_tool_with_batches_gets_its_best_size(
    texts: Mapping[str, Written], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of those that its adapter offers; a later process is told the size."""
    (tmp_path / "tuned.py").write_text(TUNED, "utf-8")
    monkeypatch.setattr("biolord_bench.peers.adapters.__path__", [str(tmp_path)])
    monkeypatch.setattr("biolord_bench.worker.__main__.PROBE_S", 1e-4)
    monkeypatch.delitem(sys.modules, "biolord_bench.peers.adapters.tuned", raising=False)
    tuned, path = Worker(Settings("tuned", "", 1)), texts["compared"].path
    assert tuned.tune({"texts": path, "other": path}) == {"batch": 8, "sizes": [1.0, 8.0, 64.0]}
    tuned.start({"texts": path, "batch": 64.0, "tool": "x", "engine": "x"})
    assert tuned._model.batch == 64  # type: ignore[attr-defined]


def test_a_tool_without_batches_has_nothing_to_tune(worker: Worker, texts: Mapping[str, Written]) -> None:
    """Ours has none."""
    path = texts["compared"].path
    assert worker.tune({"texts": path, "other": path}) == {"batch": None, "sizes": []}


def test_batches_come_back_in_order() -> None:
    """Longest first inside, as they were outside."""
    sizes: list[int] = []

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        sizes.append(len(texts))
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    assert in_batches(encode, ["a", "bbb", "cc", "dddd", ""], 2).tolist() == [[1], [3], [2], [4], [0]]
    assert sizes == [2, 2, 1]


def test_requests_are_answered_line_by_line(worker: Worker, texts: Mapping[str, Written]) -> None:
    """One JSON object in, one out."""
    answers = io.StringIO()
    request = json.dumps({"do": "calls", "texts": str(texts["mixed"].path), "group": 8, "seconds": 0})
    serve(worker, io.StringIO(f"{request}\n{request}\n"), answers)
    assert [json.loads(line)["texts"] for line in answers.getvalue().splitlines()] == [0, 0]


def test_a_folder_has_to_hold_one_graph(tmp_path: Path) -> None:
    """Of two files nobody could say which was measured."""
    with pytest.raises(FileNotFoundError, match=r"holds 0 files like \*\.onnx, expected 1"):
        only_file(str(tmp_path), "*.onnx")
    (tmp_path / "onnx").mkdir()
    (tmp_path / "onnx" / "model.onnx").touch()
    assert only_file(str(tmp_path), "*.onnx") == "onnx/model.onnx"
    (tmp_path / "other.onnx").touch()
    with pytest.raises(FileNotFoundError, match="holds 2 files"):
        only_file(str(tmp_path), "*.onnx")


def test_the_limit_is_the_checkpoints(tmp_path: Path) -> None:
    """Other files state other limits, which sentence-transformers doesn't read."""
    (tmp_path / "sentence_bert_config.json").write_text('{"max_seq_length": 384}', encoding="utf-8")
    assert sentence_length(str(tmp_path)) == 384
