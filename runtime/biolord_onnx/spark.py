"""Spark: embed a column with an Arrow-batched pandas UDF.

Example:
    >>> df = df.withColumn("embedding", embed_udf("biolord-2023-cpu-int8")("name"))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.precision import Precision
from biolord_onnx.session_options import Memory
from biolord_onnx.settings import Overflow
from biolord_onnx.shared import SessionOptions

# Of Spark SQL; it has no numbers of 16 bits.
_ELEMENTS = {"float32": "float", "int8": "tinyint", "binary": "tinyint"}


def embed_udf(
    path: str,
    *,
    normalize: bool | None = None,
    overflow: Overflow = "truncate",
    precision: Precision = "float32",
    provider: str = "auto",
    threads: int = 1,
    memory: Memory = "low",
) -> Callable[..., Any]:
    """Make a UDF that turns a column of strings into one of arrays. A null stays null, as everywhere in SQL.

    Each Python worker loads the artefact once; the folder, or the installed package, must be on every node.

    Args:
        path: artefact folder, or name of an installed artefact.
        normalize: as of `Embedder.encode`.
        overflow: likewise.
        precision: ``float32``, ``int8`` or ``binary``.
        provider: as of `Embedder.load`.
        threads: of each Python worker; Spark runs one for each of ``spark.task.cpus``.
        memory: as of `Embedder.load`; ``low`` shares the mapped weights between the workers of a node.

    Returns:
        A function of a column.

    Raises:
        InputError: Spark has no such number format.
        MissingDependencyError: PySpark or pandas isn't installed.
    """
    if precision not in _ELEMENTS:
        raise InputError(f"precision is {precision!r}, Spark has only {', '.join(map(repr, _ELEMENTS))}")
    try:
        from pyspark.sql.functions import pandas_udf
    except ImportError as error:
        raise MissingDependencyError(f"embed_udf needs PySpark: {install_hint('spark')}") from error
    session = SessionOptions(str(path), provider, threads, memory)

    def embed(batches: Iterator[Any]) -> Iterator[Any]:
        for texts in batches:
            yield _embed_series(texts, session, normalize, overflow, precision)

    # Spark reads the hints to tell the kind of UDF: from series to series, in a loop that can keep state.
    import pandas as pd

    embed.__annotations__ = {"batches": Iterator[pd.Series], "return": Iterator[pd.Series]}
    udf: Callable[..., Any] = pandas_udf(embed, f"array<{_ELEMENTS[precision]}>")
    return udf


def _embed_series(
    texts: Any,  # noqa: ANN401 - a pandas Series
    session: SessionOptions,
    normalize: bool | None,
    overflow: Overflow,
    precision: Precision,
) -> Any:  # noqa: ANN401 - a pandas Series
    import pandas as pd

    known = texts.notna().to_numpy()
    info = session.embedder().encode_with_info(
        list(texts[known]), normalize=normalize, overflow=overflow, precision=precision
    )
    vectors = iter(info.vectors)
    # None, for Spark takes pandas' NaN for a vector.
    return pd.Series([next(vectors) if one else None for one in known], index=texts.index, dtype=object)
