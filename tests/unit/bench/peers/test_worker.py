"""The worker's answers, with a real model of a few kilobytes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from biolord_bench.peers.prepare import Ready
from biolord_bench.peers.process import REPOSITORY
from biolord_bench.peers.settings import Settings, only_file, sentence_length
from biolord_bench.peers.texts import Written
from biolord_bench.peers.worker import LEAST, Worker, serve, versions


@pytest.fixture(scope="module")
def worker(rows: Sequence[Ready]) -> Worker:
    """A worker with our own adapter."""
    return Worker("biolord_onnx", Settings(str(rows[0].model), 1))


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
    Worker("ordered", Settings("", 1, variant), lambda: order.append("limit"))
    assert order == ["adapter", *["engine"] * imported, "limit", "load"]


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system has no affinity call")
def test_a_worker_is_kept_to_its_cores() -> None:
    """The first ones of those it may use."""
    code = "import os; from biolord_bench.peers.worker import keep_to_cores as k; k(1); print(os.sched_getaffinity(0))"
    command = [sys.executable, "-c", code]
    told = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert told.strip() == str({min(os.sched_getaffinity(0))})


def test_a_start_is_taken_apart(worker: Worker, texts: Mapping[str, Written]) -> None:
    """Import, load and first vector are told one by one, with the limit of the model."""
    answer = worker.start({"texts": texts["queries"].path})
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
    request = {"texts": texts["fidelity"].path, "first": 10}
    arrays = []
    for group in (0, 1, 4):
        file = tmp_path / f"{group}.npy"
        worker.vectors({**request, "group": group, "file": file})
        arrays.append(np.load(file))
    assert arrays[0].shape == (10, 8)
    for array in arrays[1:]:
        np.testing.assert_allclose(array, arrays[0], atol=1e-6)


def test_versions_are_those_installed() -> None:
    """What is run from its sources has none."""
    assert versions({"names": "onnxruntime,no-such-distribution"}) == {
        "onnxruntime": onnxruntime.__version__,
        "no-such-distribution": None,
    }


def test_requests_are_answered_line_by_line(worker: Worker) -> None:
    """One JSON object in, one out."""
    answers = io.StringIO()
    request = json.dumps({"do": "versions", "names": "no-such-distribution"})
    serve(worker, io.StringIO(f"{request}\n{request}\n"), answers)
    assert answers.getvalue() == '{"no-such-distribution": null}\n' * 2


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
