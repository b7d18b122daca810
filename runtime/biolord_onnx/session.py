"""The ONNX session: one execution provider, really the one asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact import Artifact
from biolord_onnx.cores import available_cores
from biolord_onnx.cpu import check_requirements, cpu_features
from biolord_onnx.errors import ArtifactError, BiolordError, InputError, MissingDependencyError, ProviderError
from biolord_onnx.manifest import Manifest
from biolord_onnx.providers import Provider, choose_provider, short_names
from biolord_onnx.saturation import ProductSum, measure_products

Memory = Literal["fast", "low"]
Output = Literal["sentence_embedding", "unit_embedding"]

OUTPUTS: tuple[Output, ...] = ("sentence_embedding", "unit_embedding")
INPUTS = ("input_ids", "attention_mask")
OPTIMIZATION_LEVEL = "ORT_ENABLE_ALL"
_LOG_ERRORS_ONLY = 3


class NodeArg(Protocol):
    """Name and shape of an input or output of the graph."""

    name: str
    shape: list[int | str | None]


class SessionOptions(Protocol):
    """The part of ``onnxruntime.SessionOptions`` that is used from outside."""

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Set an entry of the configuration."""


class OrtSession(Protocol):
    """The part of ``onnxruntime.InferenceSession`` that is used here."""

    def run(self, output_names: list[str], input_feed: Mapping[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        """Run the graph."""

    def get_providers(self) -> list[str]:
        """List the providers in use, first the preferred one."""

    def get_inputs(self) -> list[NodeArg]:
        """Describe the inputs."""

    def get_outputs(self) -> list[NodeArg]:
        """Describe the outputs."""


@dataclass(frozen=True, slots=True)
class Session:
    """A loaded graph. Safe to run from several threads.

    Attributes:
        ort_session: onnxruntime's session.
        provider: short name of the provider really used.
        threads: cores that one run uses.
        runs_at_once: how many runs together keep the machine busiest.
    """

    ort_session: OrtSession
    provider: str
    threads: int
    runs_at_once: int = 1

    def run(
        self, input_ids: NDArray[np.int64], attention_mask: NDArray[np.int64], output: Output
    ) -> NDArray[np.float32]:
        """Compute the vectors of one batch.

        Args:
            input_ids: int64 [batch, sequence].
            attention_mask: int64 [batch, sequence], 1 for tokens and 0 for padding.
            output: which of the graph's outputs.

        Returns:
            float32 [batch, dim].

        Raises:
            BiolordError: onnxruntime refused or ran out of memory.
        """
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        try:
            return self.ort_session.run([output], feed)[0]
        except ort_errors() as error:
            batch, length = input_ids.shape
            raise BiolordError(
                f"onnxruntime failed on a batch of {batch} texts of {length} tokens: {_one_line(error)}"
            ) from error


def open_session(
    artifact: Artifact,
    *,
    provider: str = "auto",
    threads: int | None = None,
    memory: Memory = "fast",
    spinning: bool = False,
) -> Session:
    """Load an artefact's graph.

    Args:
        artifact: a checked artefact.
        provider: ``auto`` or the name of a provider.
        threads: cores for one run; None takes what affinity and cgroup quota allow.
        memory: ``fast`` repacks the weights for speed; ``low`` leaves them mapped from the file, shared
            between processes.
        spinning: whether threads without work keep their cores busy waiting for some.

    Raises:
        MissingDependencyError: no onnxruntime is installed.
        ProviderError: the provider is unknown, not installed, unfit for the target, or did not start.
        ArtifactError: onnxruntime is too old, the CPU would get the graph wrong or lacks what it needs, or the
            graph can't be loaded.
        InputError: ``threads`` or ``memory`` is out of range.
    """
    ort = import_onnxruntime()
    chosen = select_provider(ort, artifact.manifest, provider)
    cores = available_cores(threads)
    options = _session_options(ort, cores.count, memory, spinning=spinning)
    for key, value in chosen.session_options:
        options.add_session_config_entry(key, value)
    providers = [(chosen.ort_name, chosen.options_for(cores.count))]
    load_errors: tuple[type[Exception], ...] = (RuntimeError, *ort_errors())
    try:
        # Left to itself, onnxruntime tries again on the CPU, and says so on standard output alone.
        ort_session = ort.InferenceSession(str(artifact.model_path), options, providers=providers, enable_fallback=0)
        ort_session.disable_fallback()
    except load_errors as error:
        raise ArtifactError(
            f"{artifact.model_path} can't be loaded by onnxruntime {ort.__version__}: {_one_line(error)}"
        ) from error
    _check_provider(ort_session, chosen)
    _check_signature(ort_session, artifact)
    # On a CPU, a run on each core beats one run over all of them: nothing waits where a layer ends. Other providers
    # bring threads or queues of their own.
    return Session(ort_session, chosen.name, cores.count, cores.count if chosen.name == "cpu" else 1)


def select_provider(ort: ModuleType, manifest: Manifest, name: str = "auto") -> Provider:
    """Find the provider that would run an artefact here.

    Args:
        ort: the module, from `import_onnxruntime`.
        manifest: the artefact's.
        name: ``auto`` or the name of a provider.

    Raises:
        ProviderError: the provider is unknown, not installed, or unfit for the target.
        ArtifactError: onnxruntime is too old, or the CPU would get the graph wrong or lacks what it needs.
    """
    _check_version(ort.__version__, manifest.requires.onnxruntime)
    chosen = choose_provider(name, manifest.target, ort.get_available_providers())
    if chosen.name == "cpu":
        check_requirements(manifest, cpu_features(), lambda: _measure_products(ort))
    return chosen


def import_onnxruntime() -> ModuleType:
    """Import onnxruntime, whichever distribution brings it.

    Raises:
        MissingDependencyError: none does.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            "onnxruntime is not installed: pip install 'biolord-onnx[cpu]' "
            "(or [cuda], or [openvino]; only one of them, they share a folder)"
        ) from error
    return onnxruntime  # type: ignore[no-any-return, unused-ignore]


def _session_options(ort: ModuleType, threads: int, memory: str, *, spinning: bool) -> SessionOptions:
    if memory not in {"fast", "low"}:
        raise InputError(f"memory is {memory!r}, expected 'fast' or 'low'")
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, OPTIMIZATION_LEVEL)
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    # Waiting threads would burn the cores that a neighbour, or our own tokenizer, needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(spinning)))
    # Patterns are kept per input shape, and every batch has another.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = memory == "fast"
    if memory == "low":
        options.add_session_config_entry("session.disable_prepacking", "1")
    return options  # type: ignore[no-any-return, unused-ignore]


def _check_version(found: str, lowest: str) -> None:
    if _version(found) < _version(lowest):
        raise ArtifactError(
            f"onnxruntime is {found}, the artefact needs {lowest} or later: pip install -U onnxruntime "
            "(or the distribution you have of it)"
        )


def _version(text: str) -> list[int]:
    leading = re.match(r"[0-9.]*", text)
    return [int(part) for part in (leading.group() if leading else "").split(".") if part]


def _measure_products(ort: ModuleType) -> ProductSum:
    try:
        return measure_products(ort)
    except ort_errors() as error:
        raise ArtifactError(
            f"onnxruntime {ort.__version__} can't run the 8-bit matmul that the artefact needs: {_one_line(error)}"
        ) from error


def _check_provider(ort_session: OrtSession, chosen: Provider) -> None:
    used = ort_session.get_providers()
    if used[0] != chosen.ort_name:
        raise ProviderError(
            f"provider {chosen.name} did not start, onnxruntime fell back to {short_names(used)}: "
            f"check its driver and libraries, or ask for provider {short_names(used[:1])}"
        )


def _check_signature(ort_session: OrtSession, artifact: Artifact) -> None:
    inputs = {node.name for node in ort_session.get_inputs()}
    outputs = {node.name: node.shape[-1] for node in ort_session.get_outputs()}
    expected = dict.fromkeys(OUTPUTS, artifact.manifest.dim)
    if inputs != set(INPUTS) or outputs != expected:
        raise ArtifactError(
            f"{artifact.model_path} has inputs {sorted(inputs)} and outputs {outputs}, "
            f"expected {sorted(INPUTS)} and {expected}: export the artefact again"
        )


def ort_errors() -> tuple[type[Exception], ...]:
    """Return onnxruntime's exception classes, which have no base of their own."""
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return tuple(value for value in vars(state).values() if isinstance(value, type) and issubclass(value, Exception))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
