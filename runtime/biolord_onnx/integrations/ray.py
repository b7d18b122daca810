"""Ray Data: embed a dataset on the cores of a cluster.

Example:
    >>> ds = ds.map_batches(EmbedBatch("biolord-2023-cpu-int8"), batch_size=4096, num_cpus=1)  # doctest: +SKIP
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from biolord_onnx.encode_options import EncodeOptions
from biolord_onnx.encoding.precision import Precision
from biolord_onnx.encoding.settings import Overflow
from biolord_onnx.errors import InputError, MissingDependencyError
from biolord_onnx.install import install_hint
from biolord_onnx.loading import LoadOptions

Batch = dict[str, Any]


class EmbedBatch:
    """A function of ``Dataset.map_batches`` that adds a column of vectors.

    As an instance, ``map_batches(EmbedBatch("…"))``, it runs in Ray's tasks; as a class,
    ``map_batches(EmbedBatch, fn_constructor_args=["…"], concurrency=4)``, in actors. Either way each process loads the
    artifact once, and the processes of a node share the weights, which are mapped from the file.
    The folder, or the installed package, must be on every node, the same one if it is here, too.

    A vector depends on its text alone, so a batch that Ray computes again after a failure is the same.
    """

    def __init__(  # noqa: PLR0913 - the keywords of load and encode
        self,
        path: str,
        *,
        column: str = "text",
        output: str = "embedding",
        truncated: str | None = None,
        prompt_name: str | None = None,
        normalize: bool | None = None,
        truncate_dim: int | None = None,
        overflow: Overflow = "truncate",
        precision: Precision = "float32",
        provider: str = "auto",
        threads: int | None = None,
    ) -> None:
        """Say what to do; nothing is loaded yet.

        Args:
            path: Artifact folder, or name of an installed artifact.
            column: Holds the texts.
            output: Column to add.
            truncated: Another column to add, of which texts were cut; None for none.
            prompt_name: As of `Embedder.encode`.
            normalize: Likewise.
            truncate_dim: Likewise.
            overflow: Likewise; cut texts of a batch are told by one warning, which Ray shows in the driver's log.
            precision: Likewise.
            provider: As of `Embedder.load`.
            threads: Likewise; None takes the CPUs that Ray gives to the task or actor.

        Raises:
            InputError: There is no such overflow or precision, or the two columns have one name.
            MissingDependencyError: Ray isn't installed.
        """
        _require_ray()
        if truncated == output:
            raise InputError(f"output and truncated are both {output!r}: give each column a name of its own")
        self.column = column
        self.output = output
        self.truncated = truncated
        self.options = EncodeOptions(
            normalize, overflow=overflow, precision=precision, prompt_name=prompt_name, truncate_dim=truncate_dim
        )
        # Workers that load later, on other nodes too, load what is here now, or refuse.
        self.session = LoadOptions(str(path), provider, threads).pinned()

    def __call__(self, batch: Batch) -> Batch:
        """Return the batch with another column: float32 [n, dim], or as ``precision`` says.

        Raises:
            TypeError: A text isn't a string, or the batch isn't a dict of arrays, Ray's batch format "numpy".
            InputError: The column of texts isn't there, or one to add is; or a text is over the limit that
                ``overflow="error"`` sets.
            BiolordError: The artifact can't be loaded.
        """
        texts = self._texts(batch)
        info = self.options.encode_aloud(self._with_assigned_cpus().embedder(), texts)
        cuts = {} if self.truncated is None else {self.truncated: info.truncated}
        return {**batch, self.output: info.vectors, **cuts}

    def _texts(self, batch: object) -> list[str]:
        if not isinstance(batch, dict):
            raise TypeError(f"the batch is {type(batch).__name__}, expected a dict of arrays: batch_format='numpy'")
        columns = ", ".join(map(str, batch))
        if self.column not in batch:
            raise InputError(f"the batch has no column {self.column!r}, it has: {columns}")
        for keyword, name in (("output", self.output), ("truncated", self.truncated)):
            if name in batch:
                raise InputError(f"the batch has a column {name!r} already, choose another {keyword}: {columns}")
        return list(batch[self.column])

    def _with_assigned_cpus(self) -> LoadOptions:
        """Ray gives CPUs by counting, not by pinning: without a number, each of n processes would start n threads."""
        if self.session.threads is not None:
            return self.session
        import ray

        if not ray.is_initialized():
            return self.session
        context = ray.get_runtime_context()
        if context.worker.mode != ray.WORKER_MODE:  # a driver has the machine's cores
            return self.session
        return replace(self.session, threads=max(1, int(context.get_assigned_resources().get("CPU", 1))))


def _require_ray() -> None:
    from importlib.util import find_spec

    if find_spec("ray") is None:
        raise MissingDependencyError(f"EmbedBatch needs Ray: {install_hint('ray')}")
