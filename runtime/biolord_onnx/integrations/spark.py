"""Spark: embed a column with an Arrow-batched pandas UDF.

Example:
    >>> df = df.withColumn("embedding", embed_udf("biolord-2023-cpu-int8")("name"))  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from biolord_onnx.encode_options import EncodeOptions, warn_of_cuts
from biolord_onnx.encoding.precision import Precision
from biolord_onnx.encoding.settings import Overflow
from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.loading import LoadOptions

# Of Spark SQL; it has no numbers of 16 bits.
_ELEMENTS = {"float32": "float", "int8": "tinyint", "binary": "tinyint"}


def embed_udf(  # noqa: PLR0913 - the keywords of load and encode
    path: str,
    *,
    truncated: Any = None,  # noqa: ANN401 - an accumulator, PySpark isn't there when types are checked
    prompt_name: str | None = None,
    normalize: bool | None = None,
    truncate_dim: int | None = None,
    overflow: Overflow = "truncate",
    precision: Precision = "float32",
    provider: str = "auto",
    threads: int = 1,
) -> Callable[..., Any]:
    """Make a UDF that turns a column of strings into one of arrays. A null stays null, as everywhere in SQL.

    Each Python worker loads the artifact once; the folder, or the installed package, must be on every node, the same
    one if it is here, too.

    Args:
        path: Artifact folder, or name of an installed artifact.
        truncated: An accumulator, ``spark.sparkContext.accumulator(0)``, that counts the texts that were cut.
        prompt_name: As of `Embedder.encode`.
        normalize: Likewise.
        truncate_dim: Likewise.
        overflow: Likewise; cut texts of a task are told by one warning, which goes to the executor's log.
        precision: ``float32``, ``int8`` or ``binary``.
        provider: As of `Embedder.load`.
        threads: Of each Python worker; Spark runs one for each of ``spark.task.cpus``.

    Returns:
        A function of a column.

    Raises:
        InputError: Spark has no such number format, or there is no such overflow.
        MissingDependencyError: PySpark or pandas isn't installed.
    """
    if precision not in _ELEMENTS:
        raise InputError(f"precision is {precision!r}, Spark has only {', '.join(map(repr, _ELEMENTS))}")
    try:
        from pyspark.sql.functions import pandas_udf
    except ImportError as error:
        raise MissingDependencyError(f"embed_udf needs PySpark: {install_hint('spark')}") from error
    # Workers that load later, on other nodes too, load what is here now, or refuse.
    session = LoadOptions(str(path), provider, threads).pinned()
    options = EncodeOptions(
        normalize, overflow=overflow, precision=precision, prompt_name=prompt_name, truncate_dim=truncate_dim
    )

    def embed(batches: Iterator[Any]) -> Iterator[Any]:
        cut = count = 0
        for texts in batches:
            vectors, truncated_here = _embed_series(texts, session, options)
            cut, count = cut + truncated_here, count + len(texts)
            yield vectors
        warn_of_cuts(cut, count, session.embedder().max_length)
        if truncated is not None and cut:
            truncated.add(cut)

    # Spark reads the hints to tell the kind of UDF: from series to series, in a loop that can keep state.
    import pandas as pd

    embed.__annotations__ = {"batches": Iterator[pd.Series], "return": Iterator[pd.Series]}
    udf: Callable[..., Any] = pandas_udf(embed, f"array<{_ELEMENTS[precision]}>")
    return udf


def _embed_series(
    texts: Any,  # noqa: ANN401 - a pandas Series
    session: LoadOptions,
    options: EncodeOptions,
) -> tuple[Any, int]:
    """Return a pandas Series of vectors, and how many texts were cut."""
    import pandas as pd

    known = texts.notna().to_numpy()
    info = options.encode(session.embedder(), list(texts[known]))
    vectors = iter(info.vectors)
    # None, for Spark takes pandas' NaN for a vector.
    column = pd.Series([next(vectors) if one else None for one in known], index=texts.index, dtype=object)
    return column, int(info.truncated.sum())
