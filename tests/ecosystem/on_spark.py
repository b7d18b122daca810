"""Embed in a Spark task while strace watches the worker's process: python on_spark.py ARTIFACT FOLDER SECONDS."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf

from biolord_onnx.integrations.spark import embed_udf
from guards.network import Watch

WATCHING = ExitStack()
"""In the worker: Spark keeps its only one for all the UDFs."""


def main(artifact: str, folder: str, seconds: float) -> None:
    """Watch the worker, embed in it, wait for what onnxruntime might do afterward, stop watching."""
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    spark = builder.config("spark.sql.execution.arrow.maxRecordsPerBatch", "2").getOrCreate()

    def begin(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        from ecosystem import on_spark

        on_spark.WATCHING.enter_context(Watch(Path(folder)).attached())
        yield from batches

    def end(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        from ecosystem import on_spark

        time.sleep(seconds)
        on_spark.WATCHING.close()
        yield from batches

    for function in (begin, end):
        function.__annotations__ = {"batches": Iterator[pd.Series], "return": Iterator[pd.Series]}
    names = spark.createDataFrame([("fever",), ("cough",)], ["name"]).coalesce(1)
    udfs = (pandas_udf(begin, "string"), embed_udf(artifact), pandas_udf(end, "string"))
    counts = [len(names.withColumn("out", udf("name")).collect()) for udf in udfs]
    sys.stdout.write(f"{counts[1]} rows")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
