"""Spark in local mode."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from biolord_onnx.embedder import Embedder
from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.errors import InputError, MissingDependencyError, TruncationWarning
from biolord_onnx.integrations.spark import _embed_series, embed_udf
from biolord_onnx.loading import LoadOptions

NAMES = [f"cat scratch {number % 70}" for number in range(300)]


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Give a session with two workers, which tries a task again once."""
    builder = SparkSession.builder.master("local[2, 2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "50").getOrCreate()
    yield session
    session.stop()


def test_a_column_gets_the_librarys_vectors(spark: Any, tiny: Path, embedder: Embedder) -> None:  # noqa: ANN401 - no types
    """In several batches and partitions; a null stays one."""
    frame = spark.createDataFrame([*enumerate([*NAMES, None])], "id int, name string").repartition(4)
    rows = frame.withColumn("embedding", embed_udf(str(tiny))("name")).orderBy("id").collect()
    assert [row["id"] for row in rows] == list(range(301))
    assert rows[-1]["embedding"] is None
    found = np.array([row["embedding"] for row in rows[:-1]], np.float32)
    expected = np.stack([embedder.encode(name, batch_size=1) for name in NAMES])
    np.testing.assert_array_equal(found, expected)


def test_a_killed_worker_costs_no_row(spark: Any, tiny: Path, tmp_path: Path) -> None:  # noqa: ANN401 - no types
    """A Python worker dies in the middle: Spark runs its task again."""
    import os

    from pyspark.sql.functions import udf

    marker = str(tmp_path / "killed")

    @udf("string")
    def deadly(name: str) -> str:
        if name == "dog" and not os.path.exists(marker):  # noqa: PTH110 - runs in a worker
            open(marker, "w", encoding="utf-8").close()  # noqa: PTH123 - likewise
            os._exit(1)
        return name

    frame = spark.createDataFrame([(name,) for name in [*NAMES, "dog"]], "name string").repartition(4)
    rows = frame.withColumn("name", deadly("name")).withColumn("embedding", embed_udf(str(tiny))("name")).collect()
    assert sorted(row["name"] for row in rows) == sorted([*NAMES, "dog"])
    assert all(len(row["embedding"]) == 8 for row in rows)
    assert Path(marker).exists()


def test_long_texts_are_counted(spark: Any, tiny: Path) -> None:  # noqa: ANN401 - no types
    """All tasks add to one number in the driver."""
    texts = ["cat " * 40 if number % 3 == 0 else "cat" for number in range(90)]
    frame = spark.createDataFrame([(text,) for text in texts], "name string").repartition(4)
    cut = spark.sparkContext.accumulator(0)
    assert len(frame.withColumn("embedding", embed_udf(str(tiny), truncated=cut)("name")).collect()) == 90
    assert cut.value == 30


@pytest.mark.usefixtures("spark")
def test_a_task_tells_of_long_texts_once(tiny: Path) -> None:
    """On its stderr, with the count of all its batches; it can be told to read them whole or to refuse them."""
    batches = [pd.Series(["cat " * 40, "cat", None]), pd.Series(["cat " * 40])]
    added: list[int] = []
    function = embed_udf(str(tiny), truncated=SimpleNamespace(add=added.append)).func  # type: ignore[attr-defined]
    with pytest.warns(TruncationWarning) as caught:
        list(function(iter(batches)))
    assert added == [2]
    (message,) = [str(one.message) for one in caught]
    assert message.startswith("2 of 4 texts have more than 16 tokens and were cut: ")
    with warnings.catch_warnings():
        warnings.simplefilter("error", TruncationWarning)
        list(embed_udf(str(tiny), overflow="window").func(iter(batches)))  # type: ignore[attr-defined]
    with pytest.raises(InputError, match=r"texts\[0\] has 42 tokens"):
        list(embed_udf(str(tiny), overflow="error").func(iter(batches)))  # type: ignore[attr-defined]
    with pytest.raises(InputError, match="overflow is 'cut', expected one of"):
        embed_udf(str(tiny), overflow="cut")  # type: ignore[arg-type]


def test_a_series_by_hand(tiny: Path, embedder: Embedder) -> None:
    """The index stays, nulls stay null, options are those of the library."""
    series = pd.Series(["cat", None, "dog"], index=[5, 3, 9])
    found, cut = _embed_series(series, LoadOptions(str(tiny), threads=1), EncodeOptions(True))
    assert list(found.index) == [5, 3, 9]
    assert cut == 0
    assert found.isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(np.stack([found[5], found[9]]), embedder.encode(["cat", "dog"], normalize=True))


def test_the_function_is_a_loop_over_batches(tiny: Path, embedder: Embedder) -> None:
    """What a worker calls."""
    function = embed_udf(str(tiny)).func  # type: ignore[attr-defined]
    (first, second) = function(iter([pd.Series(["cat"]), pd.Series([], dtype=object)]))
    np.testing.assert_array_equal(first[0], embedder.encode("cat"))
    assert len(second) == 0


def test_formats_that_spark_has_not(tiny: Path) -> None:
    """Said when the function is made, not in a worker."""
    with pytest.raises(InputError, match="precision is 'float16', Spark has only 'float32', 'int8', 'binary'"):
        embed_udf(str(tiny), precision="float16")


def test_without_pyspark(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the extra."""
    monkeypatch.setitem(sys.modules, "pyspark.sql.functions", None)
    with pytest.raises(MissingDependencyError, match=r"needs PySpark: pip install 'biolord-onnx\[cpu,spark\]'"):
        embed_udf(str(tiny))
