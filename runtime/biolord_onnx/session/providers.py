"""The execution providers, and which of them runs an artifact."""

from __future__ import annotations

from dataclasses import dataclass

from biolord_onnx.errors import ProviderError


@dataclass(frozen=True, slots=True)
class Provider:
    """An execution provider.

    Attributes:
        name: What users call it.
        ort_name: What onnxruntime calls it.
        target_prefixes: Beginnings of the artifact targets that it runs.
        source: How to get it.
        options: The provider's own options, by onnxruntime's names; `{threads}` in a value is the number of threads,
            for providers that don't take the session's.
        session_options: Entries of the session's configuration that it needs.
        plugin: The module whose library brings it to any onnxruntime; None if it is part of one.
        compiled_operators: Whether the library of compiled operators has kernels for it.
        nvidia: Whether it needs NVIDIA's libraries, which pip puts where the system doesn't look for them.
    """

    name: str
    ort_name: str
    target_prefixes: tuple[str, ...]
    source: str
    options: tuple[tuple[str, str], ...] = ()
    session_options: tuple[tuple[str, str], ...] = ()
    plugin: str | None = None
    compiled_operators: bool = False
    nvidia: bool = False

    def runs(self, target: str) -> bool:
        """Whether it runs artifacts of this target."""
        return target.startswith(self.target_prefixes)

    def options_for(self, threads: int) -> dict[str, str]:
        """Return the provider's options for a session of so many threads."""
        return {name: value.replace(_THREADS, str(threads)) for name, value in self.options}


_THREADS = "{threads}"
_PORTABLE = ("portable-",)
# Without it, what a provider doesn't take runs on the CPU without a word. CUDA's and XNNPACK's rows leave
# it out: the one does the arithmetic of shapes on the CPU by design, the other is a set of kernels beside the CPU's.
_WHOLE_GRAPH = (("session.disable_cpu_ep_fallback", "1"),)

# The plugin takes `num_of_threads` and ignores it. Where the CPU has bfloat16, as with AMX, it would compute float32
# graphs in that.
_OPENVINO_CONFIG = '{"CPU": {"INFERENCE_NUM_THREADS": ' + _THREADS + ', "INFERENCE_PRECISION_HINT": "f32"}}'

# In the order in which "auto" tries them. Names and options are those of the pages
# https://onnxruntime.ai/docs/execution-providers/
PROVIDERS = (
    Provider("cuda", "CUDAExecutionProvider", ("cuda-", "portable-"), "pip install 'biolord-onnx[cuda]'", nvidia=True),
    Provider(
        "cpu",
        "CPUExecutionProvider",
        ("cpu-", "portable-"),
        "pip install 'biolord-onnx[cpu]'",
        compiled_operators=True,
    ),
    Provider(
        "openvino",
        "OpenVINOExecutionProvider",
        _PORTABLE,
        # Not the extra: beside onnxruntime-gpu that would bring a second onnxruntime.
        "pip install onnxruntime-ep-openvino",
        options=(("load_config", _OPENVINO_CONFIG),),
        session_options=_WHOLE_GRAPH,
        plugin="onnxruntime_ep_openvino",
    ),
    Provider(
        "tensorrt",
        "TensorrtExecutionProvider",
        # It has signed 8-bit numbers with zero point 0 only; those of portable-int8's activations are unsigned.
        ("portable-fp32",),
        "pip install 'biolord-onnx[cuda]' and NVIDIA's TensorRT",
        session_options=_WHOLE_GRAPH,
        nvidia=True,
    ),
    Provider(
        "coreml",
        "CoreMLExecutionProvider",
        _PORTABLE,
        "pip install 'biolord-onnx[cpu]' on macOS",
        options=(("ModelFormat", "MLProgram"), ("MLComputeUnits", "ALL")),
        session_options=_WHOLE_GRAPH,
    ),
    Provider(
        "directml",
        "DmlExecutionProvider",
        _PORTABLE,
        "pip install onnxruntime-directml on Windows",
        session_options=_WHOLE_GRAPH,
    ),
    Provider(
        "qnn",
        "QNNExecutionProvider",
        _PORTABLE,
        "pip install onnxruntime-qnn on a Qualcomm machine",
        options=(("backend_type", "htp"),),
        session_options=_WHOLE_GRAPH,
    ),
    Provider(
        "xnnpack",
        "XnnpackExecutionProvider",
        _PORTABLE,
        "build onnxruntime with --use_xnnpack",
        options=(("intra_op_num_threads", _THREADS),),
    ),
)
# The others run only when asked for by name.
_AUTO = ("cuda", "cpu")


def find_provider(name: str, available: list[str]) -> Provider:
    """Find an installed provider by its name.

    Args:
        name: What users call it.
        available: onnxruntime's names of the providers that are installed.

    Raises:
        ProviderError: Unknown or not installed.
    """
    found = next((provider for provider in PROVIDERS if provider.name == name), None)
    if found is None:
        known = ", ".join(sorted(provider.name for provider in PROVIDERS))
        raise ProviderError(f"provider is {name!r}, expected auto or one of {known}")
    if found.ort_name not in available and found.plugin:
        raise ProviderError(f"provider {name} is not installed: {found.source}")
    if found.ort_name not in available:
        raise ProviderError(
            f"provider {name} is not in this onnxruntime, which has {short_names(available)}: "
            f"pip uninstall onnxruntime, then {found.source}"
        )
    return found


def installed_providers(target: str, available: list[str]) -> list[Provider]:
    """List the installed providers that run artifacts of a target."""
    return [provider for provider in PROVIDERS if provider.ort_name in available and provider.runs(target)]


def choose_provider(name: str, target: str, available: list[str]) -> Provider:
    """Choose the execution provider for an artifact's target.

    Args:
        name: ``auto`` or the name of a provider.
        target: The artifact's.
        available: onnxruntime's names of the providers that are installed.

    Raises:
        ProviderError: Unknown, not installed, or unfit for the target.
    """
    if name == "auto":
        return _choose_automatically(target, available)
    chosen = find_provider(name, available)
    if not chosen.runs(target):
        raise ProviderError(f"provider {name} does not run a {target} artifact: {_who_runs(target)}")
    return chosen


def _choose_automatically(target: str, available: list[str]) -> Provider:
    for provider in installed_providers(target, available):
        if provider.name in _AUTO:
            return provider
    raise ProviderError(f"no installed provider runs a {target} artifact: {_who_runs(target)}")


def _who_runs(target: str) -> str:
    able = [provider for provider in PROVIDERS if provider.runs(target)]
    if not able:
        return "this biolord-onnx knows no such target, upgrade it"
    return " or ".join(f"{provider.name} does, {provider.source}" for provider in able)


def short_names(ort_names: list[str]) -> str:
    """Join onnxruntime's provider names, shortened: ``cuda, cpu``."""
    return ", ".join(name.replace("ExecutionProvider", "").lower() for name in ort_names)
