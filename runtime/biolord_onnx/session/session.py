"""The ONNX session: one execution provider, really the one asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from biolord_onnx.artifact.folder import Artifact
from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.errors import ArtifactError, BiolordError, NotFiniteError, ProviderError
from biolord_onnx.session import kernels
from biolord_onnx.session.cores import available_cores
from biolord_onnx.session.cpu import check_requirements, cpu_features, cpu_model
from biolord_onnx.session.engine import (
    LOWEST_ONNXRUNTIME,
    check_release,
    import_onnxruntime,
    load_nvidia_libraries,
    one_line,
    ort_errors,
)
from biolord_onnx.session.options import SessionSettings, session_options
from biolord_onnx.session.plugins import add_plugin, available_providers
from biolord_onnx.session.providers import Provider, choose_provider, short_names
from biolord_onnx.session.saturation import ProductSum, measure_products

Output = Literal["sentence_embedding", "unit_embedding"]

OUTPUTS: tuple[Output, ...] = ("sentence_embedding", "unit_embedding")
Logits = Literal["logits"]
LOGITS: Logits = "logits"
INPUTS = ("input_ids", "attention_mask")
TOKEN_TYPES = "token_type_ids"
SKIPPED = "skipped_tokens"
"""The input of graphs that don't pool a prompt: how many leading tokens they leave out."""


class NodeArg(Protocol):
    """Name and shape of an input or output of the graph."""

    name: str
    shape: list[int | str | None]


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
        provider: Short name of the provider really used.
        threads: Cores to use.
        dim: Length of a vector; 1 for a reranker.
        concurrency: How many runs together keep the machine busiest. Compiled operators share the cores between runs:
            one alone takes all, and of as many as there are cores each keeps to its own, where nothing waits at the end
            of a layer. onnxruntime's operators always take all.
        skips: Whether the graph can leave leading tokens out of the pooling.
        typed: Whether the graph takes token types.
    """

    ort_session: OrtSession
    provider: str
    threads: int
    dim: int
    concurrency: int = 1
    skips: bool = False
    typed: bool = False

    def run(
        self,
        input_ids: NDArray[np.int64],
        attention_mask: NDArray[np.int64],
        output: Output | Logits,
        token_type_ids: NDArray[np.int64] | None = None,
        *,
        skipped: int = 0,
    ) -> NDArray[np.float32]:
        """Compute the vectors, or the scores, of one batch.

        Args:
            input_ids: int64 [batch, sequence].
            attention_mask: int64 [batch, sequence], 1 for tokens and 0 for padding.
            output: Which of the graph's outputs.
            token_type_ids: int64 [batch, sequence], for graphs that take them; None where all are 0.
            skipped: Leading tokens of each text that aren't pooled; 0 where the graph can't leave any out.

        Returns:
            float32 [batch, dim].

        Raises:
            BiolordError: onnxruntime refused or ran out of memory.
            ArtifactError: The result isn't a vector for each text.
            NotFiniteError: A vector isn't finite.
        """
        batch, length = input_ids.shape
        feed = {"input_ids": input_ids, "attention_mask": attention_mask}
        if self.typed:
            feed[TOKEN_TYPES] = np.zeros_like(input_ids) if token_type_ids is None else token_type_ids
        if self.skips:
            feed[SKIPPED] = np.array([skipped], dtype=np.int64)
        try:
            vectors = self.ort_session.run([output], feed)[0]
        except ort_errors() as error:
            raise BiolordError(
                f"onnxruntime failed on a batch of {batch} texts of {length} tokens: {one_line(error)}"
            ) from error
        _check_vectors(vectors, batch, length, self.dim)
        return vectors


def _check_vectors(vectors: NDArray[np.float32], batch: int, length: int, dim: int) -> None:
    if vectors.shape != (batch, dim):
        raise ArtifactError(
            f"the graph gave numbers of shape {vectors.shape} for {batch} texts, expected {(batch, dim)}: export the "
            "artifact again"
        )
    finite = np.isfinite(vectors)
    if not finite.all():
        raise NotFiniteError(
            f"{batch - int(finite.all(axis=1).sum())} of {batch} texts of up to {length} tokens have vectors that "
            "aren't finite numbers: the artifact's weights are damaged, export it again"
        )


def open_session(
    artifact: Artifact,
    *,
    provider: str = "auto",
    threads: int | None = None,
    spinning: bool = False,
) -> Session:
    """Load an artifact's graph.

    Args:
        artifact: A checked artifact.
        provider: ``auto`` or the name of a provider.
        threads: Cores for one run; None takes what affinity and cgroup quota allow.
        spinning: Whether threads without work keep their cores busy waiting for some.

    Raises:
        MissingDependencyError: No onnxruntime is installed.
        ProviderError: The provider is unknown, not installed, unfit for the target, or did not start, or the compiled
            operators that the artifact needs are missing.
        ArtifactError: onnxruntime is too old, the CPU would get the graph wrong or lacks what it needs, or the
            graph can't be loaded.
        InputError: ``threads`` is out of range.
    """
    ort = import_onnxruntime()
    chosen = select_provider(ort, artifact.manifest, provider)
    cores = available_cores(threads)
    settings = SessionSettings(cores.count, spinning)
    ort_session = _open(ort, artifact, chosen, settings)
    at_once = cores.count if artifact.manifest.requires.operators else 1
    dim = 1 if artifact.manifest.reranking else artifact.manifest.dim
    skips = not artifact.manifest.prompts.pooled
    typed = _takes_types(artifact.manifest)
    return Session(ort_session, chosen.name, cores.count, dim, at_once, skips, typed)


def _takes_types(manifest: Manifest) -> bool:
    frame = manifest.reranking or manifest.pairs
    return frame is not None and frame.token_types


def _open(ort: ModuleType, artifact: Artifact, chosen: Provider, settings: SessionSettings) -> OrtSession:
    options = session_options(ort, settings)
    if artifact.manifest.requires.operators:
        kernels.register(options)
    for key, value in chosen.session_options:
        options.add_session_config_entry(key, value)
    if chosen.nvidia:
        load_nvidia_libraries(ort)
    if chosen.plugin:
        add_plugin(ort, options, chosen, settings.threads)
    # A plugin's provider is among the options already, and onnxruntime takes no second list.
    providers = None if chosen.plugin else [(chosen.ort_name, chosen.options_for(settings.threads))]
    load_errors: tuple[type[Exception], ...] = (RuntimeError, *ort_errors())
    try:
        # Left to itself, onnxruntime tries again on the CPU, and says so on standard output alone.
        ort_session = ort.InferenceSession(str(artifact.model_path), options, providers=providers, enable_fallback=0)
        ort_session.disable_fallback()
    except load_errors as error:
        raise ArtifactError(
            f"{artifact.model_path} can't be loaded by onnxruntime {ort.__version__}: {one_line(error)}"
        ) from error
    _check_provider(ort_session, chosen)
    _check_signature(ort_session, artifact)
    return ort_session  # type: ignore[no-any-return, unused-ignore]


def select_provider(ort: ModuleType, manifest: Manifest, name: str = "auto") -> Provider:
    """Find the provider that would run an artifact here.

    Args:
        ort: The module, from `import_onnxruntime`.
        manifest: The artifact's.
        name: ``auto`` or the name of a provider.

    Raises:
        ProviderError: The provider is unknown, not installed, or unfit for the target, or the compiled operators that
            the artifact needs are missing.
        ArtifactError: onnxruntime is too old or multiplies wrongly, or the CPU would get the graph wrong or lacks what
            it needs.
    """
    check_release(ort.__version__, manifest.requires.onnxruntime)
    chosen = choose_provider(name, manifest.target, available_providers(ort))
    _check_operators(manifest, chosen)
    if chosen.name == "cpu":
        check_requirements(manifest, cpu_features(), lambda: _measure_products(ort, manifest.name))
    return chosen


def _check_operators(manifest: Manifest, chosen: Provider) -> None:
    """Refuse an artifact whose compiled operators the provider, or this installation, doesn't have."""
    needed = manifest.requires.operators
    if not needed:
        return
    if not chosen.compiled_operators:
        named = ", ".join(f"{domain} {version}" for domain, version in needed.items())
        raise ProviderError(
            f"provider {chosen.name} does not run the compiled operators ({named}) that {manifest.name} needs: ask for "
            "provider cpu, which does"
        )
    kernels.chosen()


def _measure_products(ort: ModuleType, name: str) -> ProductSum:
    try:
        products = measure_products(ort)
    except ort_errors() as error:
        raise ArtifactError(
            f"onnxruntime {ort.__version__} can't run the 8-bit matmul that the artifact needs: {one_line(error)}"
        ) from error
    if not products.exact and not products.saturated:
        raise ArtifactError(
            f"{name} would give wrong vectors here: onnxruntime {ort.__version__} multiplies 8-bit numbers wrongly on "
            f"{cpu_model()} (a sum is {products.found:.0f}, expected {products.expected:.0f}): "
            f"pip install onnxruntime=={LOWEST_ONNXRUNTIME}, or another release that is right"
        )
    return products


def _check_provider(ort_session: OrtSession, chosen: Provider) -> None:
    used = ort_session.get_providers()
    if used[0] != chosen.ort_name:
        raise ProviderError(
            f"provider {chosen.name} did not start, onnxruntime fell back to {short_names(used)}: "
            f"check its driver and libraries, or ask for provider {short_names(used[:1])}"
        )


def _check_signature(ort_session: OrtSession, artifact: Artifact) -> None:
    inputs = {node.name for node in ort_session.get_inputs()}
    outputs = {node.name: next(reversed(node.shape), None) for node in ort_session.get_outputs()}
    wanted, expected = _signature(artifact.manifest)
    if inputs != wanted or outputs != expected:
        raise ArtifactError(
            f"{artifact.model_path} has inputs {sorted(inputs)} and outputs {outputs}, "
            f"expected {sorted(wanted)} and {expected}: export the artifact again"
        )


def _signature(manifest: Manifest) -> tuple[set[str], dict[str, int]]:
    """Return the names of a graph's inputs, and of its outputs with the numbers that each gives a text."""
    inputs = {*INPUTS, *([TOKEN_TYPES] if _takes_types(manifest) else [])}
    if manifest.reranking is not None:
        return inputs, {LOGITS: 1}
    return inputs | (set() if manifest.prompts.pooled else {SKIPPED}), dict.fromkeys(OUTPUTS, manifest.dim)
