"""Ray Data on a cluster of two nodes."""

from __future__ import annotations

import os
import re
import signal
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import ray
from ray.cluster_utils import Cluster

from biolord_onnx.embedder import Embedder
from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.index.building.vocabulary import Name
from biolord_onnx.index.index import Index
from biolord_onnx.integrations.ray import EmbedBatch

NAMES = [f"cat scratch {number % 700}" for number in range(2000)]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give two nodes of one CPU each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    made.add_node(num_cpus=1)
    ray.init(address=made.address, log_to_driver=False)
    yield made
    ray.shutdown()
    made.shutdown()


class KilledOnce(EmbedBatch):
    """An actor whose first process is killed in the middle of its work, as by the kernel when memory is short."""

    def __init__(self, path: str, marker: str) -> None:
        super().__init__(path)
        self.marker = marker
        self.batches = 0

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Embed, or die."""
        self.batches += 1
        if self.batches == 2 and not os.path.exists(self.marker):  # noqa: PTH110 - runs in a worker
            with open(self.marker, "w", encoding="utf-8"):  # noqa: PTH123 - likewise
                pass
            os.kill(os.getpid(), signal.SIGKILL)
        return super().__call__(batch)


def dataset() -> Any:  # noqa: ANN401 - Ray has no types here
    """Give names with numbers, in blocks."""
    table = pa.table({"id": range(len(NAMES)), "text": NAMES})
    # Materialized, for actors that hold every CPU leave none to the tasks that would make the blocks.
    return ray.data.from_arrow(table).repartition(16).materialize()


def check(rows: list[dict[str, Any]], embedder: Embedder) -> None:
    """Check that every row is there once, with the library's own vector."""
    rows.sort(key=lambda row: row["id"])
    assert [row["id"] for row in rows] == list(range(len(NAMES)))
    assert [row["text"] for row in rows] == NAMES
    np.testing.assert_array_equal(np.stack([row["embedding"] for row in rows]), alone(embedder))


def alone(embedder: Embedder) -> Any:  # noqa: ANN401 - an array
    """Encode each name in a run of its own: the tiny artifact is float32, whose sums depend on the batch's shape."""
    return np.stack([embedder.encode(name, batch_size=1) for name in NAMES])


@pytest.mark.usefixtures("cluster")
def test_tasks_give_the_librarys_vectors(tiny: Path, embedder: Embedder) -> None:
    """As a function, on both nodes."""
    rows = dataset().map_batches(EmbedBatch(str(tiny)), batch_size=100, num_cpus=1).take_all()
    check(rows, embedder)


@pytest.mark.usefixtures("cluster")
def test_a_killed_actor_costs_no_row(tiny: Path, embedder: Embedder, tmp_path: Path) -> None:
    """As a class, in actors, one of which dies: Ray starts another, and nothing is missing or there twice."""
    marker = tmp_path / "killed"
    arguments = [str(tiny), str(marker)]
    mapped = dataset().map_batches(KilledOnce, fn_constructor_args=arguments, batch_size=100, num_cpus=1, concurrency=2)
    check(mapped.take_all(), embedder)
    assert marker.exists()


@pytest.mark.usefixtures("cluster")
def test_threads_are_the_cpus_that_ray_gives(tiny: Path) -> None:
    """Unless a number was given."""

    def threads(batch: dict[str, Any], given: int | None) -> dict[str, Any]:
        session = EmbedBatch(str(tiny), threads=given)._with_assigned_cpus()
        return {"threads": [session.threads] * len(batch["id"])}

    for given in (None, 3):
        found = ray.data.range(4).map_batches(threads, fn_kwargs={"given": given}, num_cpus=1).take_all()
        assert {row["threads"] for row in found} == {given or 1}


@pytest.mark.usefixtures("cluster")
def test_a_driver_has_the_machine(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who calls it by hand in a driver; a worker goes by what it was given, a fraction of a CPU at the least."""
    embed = EmbedBatch(str(tiny))
    assert embed._with_assigned_cpus().threads is None
    for given, threads in (({"CPU": 2.0}, 2), ({"CPU": 0.5}, 1), ({}, 1)):
        worker = SimpleNamespace(mode=ray.WORKER_MODE)
        context = SimpleNamespace(worker=worker, get_assigned_resources=lambda given=given: given)
        monkeypatch.setattr(ray, "get_runtime_context", lambda context=context: context)
        assert embed._with_assigned_cpus().threads == threads


def test_a_batch_by_hand(tiny: Path, embedder: Embedder) -> None:
    """Other columns stay; options are those of the library."""
    embed = EmbedBatch(str(tiny), column="name", output="vector", normalize=True, precision="float16", threads=1)
    batch = {"name": np.array(["cat", "dog"], dtype=object), "id": np.array([1, 2])}
    found = embed(batch)
    assert list(found) == ["name", "id", "vector"]
    np.testing.assert_array_equal(found["vector"], embedder.encode(["cat", "dog"], normalize=True, precision="float16"))
    assert list(batch) == ["name", "id"]


def test_without_a_cluster_threads_are_left_to_the_library(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody calls it by hand."""
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    assert EmbedBatch(str(tiny))._with_assigned_cpus().threads is None


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (pa.table({"text": ["a"]}), TypeError, "the batch is Table, expected a dict of arrays: batch_format='numpy'"),
        ({"name": ["a"], "id": [1]}, InputError, "the batch has no column 'text', it has: name, id"),
        ({"text": ["a"], "embedding": [1]}, InputError, "the batch has a column 'embedding' already"),
        ({"text": ["a", None]}, TypeError, r"texts\[1\] is NoneType, expected str"),
    ],
)
def test_batches_that_can_not_be_embedded(tiny: Path, batch: Any, error: type[Exception], message: str) -> None:  # noqa: ANN401 - wrong on purpose
    """Nothing is dropped or made up."""
    with pytest.raises(error, match=message):
        EmbedBatch(str(tiny), threads=1)(batch)


@pytest.mark.usefixtures("cluster")
def test_long_texts_are_counted_and_told(tiny: Path) -> None:
    """A column says which; each batch is told of."""

    class Noting(EmbedBatch):
        def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("default")
                found = super().__call__(batch)
            return {**found, "told": [str(caught[0].message) if caught else ""] * len(batch["text"])}

    texts = ["cat " * 40 if number % 4 == 0 else "cat" for number in range(40)]
    rows = (
        ray.data.from_items([{"text": text} for text in texts])
        .map_batches(Noting(str(tiny), truncated="cut"), batch_size=20, num_cpus=1)
        .take_all()
    )
    assert [row["cut"] for row in rows] == [row["text"] != "cat" for row in rows]
    assert sum(row["cut"] for row in rows) == 10
    assert all(re.match(r"\d+ of 20 texts have more than 16 tokens and were cut: ", row["told"]) for row in rows)


def test_ways_with_long_texts(tiny: Path, embedder: Embedder) -> None:
    """As the library does; an unknown one is refused by the driver, and so are two columns of one name."""
    batch = {"text": ["cat " * 40]}
    found = EmbedBatch(str(tiny), overflow="window", truncated="cut", threads=1)(batch)
    np.testing.assert_array_equal(found["embedding"], embedder.encode(batch["text"], overflow="window"))
    assert found["cut"].tolist() == [False]
    with pytest.raises(InputError, match=r"texts\[0\] has 42 tokens"):
        EmbedBatch(str(tiny), overflow="error", threads=1)(batch)
    with pytest.raises(InputError, match="overflow is 'cut', expected one of"):
        EmbedBatch(str(tiny), overflow="cut")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="output and truncated are both 'x'"):
        EmbedBatch(str(tiny), output="x", truncated="x")
    with pytest.raises(InputError, match="has a column 'text' already, choose another truncated"):
        EmbedBatch(str(tiny), truncated="text", threads=1)(batch)


def test_without_ray(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"EmbedBatch needs Ray: pip install 'biolord-onnx\[cpu,ray\]'"):
        EmbedBatch(str(tiny))


@pytest.mark.usefixtures("cluster")
def test_an_index_of_vectors_that_ray_computed(compiled: Path, tmp_path: Path) -> None:
    """Is the one that this process alone would have built, to the byte."""
    embed = EmbedBatch(str(compiled), normalize=True)
    rows = dataset().map_batches(embed, batch_size=100, num_cpus=1).sort("id").iter_rows()
    with Embedder.load(compiled) as embedder:
        names = (Name(row["text"], str(row["id"]), vector=row["embedding"]) for row in rows)
        there = Index.build(embedder, names, tmp_path / "there.index")
        alone = [Name(text, str(number)) for number, text in enumerate(NAMES)]
        here = Index.build(embedder, alone, tmp_path / "here.index")
        assert there.fingerprint == here.fingerprint
