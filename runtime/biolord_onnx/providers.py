"""The execution providers, and which of them runs an artefact."""

from __future__ import annotations

from dataclasses import dataclass

from biolord_onnx.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Provider:
    """An execution provider.

    Attributes:
        name: what users call it.
        ort_name: what onnxruntime calls it.
        target_prefixes: beginnings of the artefact targets that it runs.
        extra: the pip extra that brings it.
    """

    name: str
    ort_name: str
    target_prefixes: tuple[str, ...]
    extra: str

    def runs(self, target: str) -> bool:
        """Whether it runs artefacts of this target."""
        return target.startswith(self.target_prefixes)


# In the order in which "auto" tries them.
PROVIDERS = (
    Provider("cuda", "CUDAExecutionProvider", ("cuda-", "portable-"), "cuda"),
    Provider("cpu", "CPUExecutionProvider", ("cpu-", "portable-"), "cpu"),
    Provider("openvino", "OpenVINOExecutionProvider", ("portable-",), "openvino"),
)
# OpenVINO is for whoever asks for it.
_AUTO = ("cuda", "cpu")


def choose_provider(name: str, target: str, available: list[str]) -> Provider:
    """Choose the execution provider for an artefact's target.

    Args:
        name: ``auto`` or the name of a provider.
        target: the artefact's.
        available: onnxruntime's names of the providers that are installed.

    Raises:
        ProviderError: unknown, not installed, or unfit for the target.
    """
    if name == "auto":
        return _choose_automatically(target, available)
    chosen = next((provider for provider in PROVIDERS if provider.name == name), None)
    if chosen is None:
        known = ", ".join(sorted(provider.name for provider in PROVIDERS))
        raise ProviderError(f"provider is {name!r}, expected auto or one of {known}")
    if chosen.ort_name not in available:
        raise ProviderError(
            f"provider {name} is not in this onnxruntime, which has {short_names(available)}: "
            f"pip uninstall onnxruntime, then pip install 'biolord-onnx[{chosen.extra}]'"
        )
    if not chosen.runs(target):
        raise ProviderError(f"provider {name} does not run a {target} artefact: {_who_runs(target)}")
    return chosen


def _choose_automatically(target: str, available: list[str]) -> Provider:
    for provider in PROVIDERS:
        if provider.name in _AUTO and provider.ort_name in available and provider.runs(target):
            return provider
    raise ProviderError(f"no installed provider runs a {target} artefact: {_who_runs(target)}")


def _who_runs(target: str) -> str:
    able = [provider for provider in PROVIDERS if provider.runs(target)]
    if not able:
        return "this biolord-onnx knows no such target, upgrade it"
    return " or ".join(f"{provider.name} does, pip install 'biolord-onnx[{provider.extra}]'" for provider in able)


def short_names(ort_names: list[str]) -> str:
    """Join onnxruntime's provider names, shortened: ``cuda, cpu``."""
    return ", ".join(name.removesuffix("ExecutionProvider").lower() for name in ort_names)
