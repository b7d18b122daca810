"""Choosing the execution provider."""

from __future__ import annotations

import json

import pytest

from biolord_onnx.errors import ProviderError
from biolord_onnx.session.providers import PROVIDERS, choose_provider, find_provider, installed_providers, short_names

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"


@pytest.mark.parametrize(
    ("name", "target", "available", "chosen"),
    [
        ("auto", "cpu-int8", [CPU], "cpu"),
        ("auto", "cpu-int8", [CUDA, CPU], "cpu"),
        ("auto", "portable-fp32", [CPU], "cpu"),
        ("auto", "portable-fp32", [CUDA, CPU], "cuda"),
        ("auto", "portable-int8", [OPENVINO, CPU], "cpu"),
        ("auto", "cuda-fp16", [CUDA, CPU], "cuda"),
        ("cpu", "portable-fp32", [CUDA, CPU], "cpu"),
        ("cuda", "portable-fp32", [CUDA, CPU], "cuda"),
        ("openvino", "portable-int8", [OPENVINO, CPU], "openvino"),
    ],
)
def test_the_right_one_is_chosen(name: str, target: str, available: list[str], chosen: str) -> None:
    """Auto takes CUDA where it is there and runs the target, else the CPU; a name takes that one."""
    assert choose_provider(name, target, available).name == chosen


def test_an_unknown_name_is_refused() -> None:
    """The message lists the names."""
    with pytest.raises(ProviderError, match=r"^provider is 'gpu', expected auto or one of coreml, cpu, cuda, "):
        choose_provider("gpu", "cpu-int8", [CPU])


def test_one_that_is_not_installed_is_refused() -> None:
    """The message names what is there and the extra that brings it: nothing else is taken in its place."""
    with pytest.raises(ProviderError) as raised:
        choose_provider("cuda", "portable-fp32", ["AzureExecutionProvider", CPU])
    assert str(raised.value) == (
        "provider cuda is not in this onnxruntime, which has azure, cpu: "
        "pip uninstall onnxruntime, then pip install 'biolord-onnx[cuda]'"
    )


def test_one_that_does_not_run_the_target_is_refused() -> None:
    """The message names those that do."""
    with pytest.raises(ProviderError) as raised:
        choose_provider("cuda", "cpu-int8", [CUDA, CPU])
    assert str(raised.value) == (
        "provider cuda does not run a cpu-int8 artifact: cpu does, pip install 'biolord-onnx[cpu]'"
    )


def test_auto_refuses_what_nothing_installed_runs() -> None:
    """A CUDA artifact on a machine without CUDA is an error, not a slow surprise."""
    with pytest.raises(ProviderError, match="no installed provider runs a cuda-fp16 artifact: cuda does, pip install"):
        choose_provider("auto", "cuda-fp16", [CPU])


def test_auto_takes_only_what_it_is_meant_to() -> None:
    """A provider beside CUDA and CPU has to be asked for by name."""
    with pytest.raises(ProviderError, match="no installed provider runs a portable-fp32 artifact"):
        choose_provider("auto", "portable-fp32", [OPENVINO])


def test_every_installed_provider_that_runs_a_target() -> None:
    """In the order of the table; CPU artifacts run nowhere else."""
    names = [provider.ort_name for provider in PROVIDERS]
    assert [provider.name for provider in installed_providers("portable-fp32", names)] == [
        "cuda",
        "cpu",
        "openvino",
        "tensorrt",
        "coreml",
        "directml",
        "qnn",
        "xnnpack",
    ]
    signed_only = [provider.name for provider in PROVIDERS if not provider.runs("portable-int8")]
    assert signed_only == ["tensorrt"], "8-bit activations of portable-int8 are unsigned"
    assert [provider.name for provider in installed_providers("cpu-int8", names)] == ["cpu"]
    assert [provider.name for provider in installed_providers("cuda-fp16", names)] == ["cuda"]
    assert installed_providers("cuda-fp16", [CPU]) == []


@pytest.mark.parametrize("name", ["cuda", "tensorrt", "coreml", "directml", "qnn", "xnnpack"])
def test_each_absent_one_is_refused_with_its_source(name: str) -> None:
    """The message names what is there and how to get what isn't."""
    (source,) = [provider.source for provider in PROVIDERS if provider.name == name]
    with pytest.raises(ProviderError) as raised:
        find_provider(name, [CPU])
    assert str(raised.value).startswith(f"provider {name} is not in this onnxruntime, which has cpu: ")
    assert source in str(raised.value)


def test_a_plugin_that_is_not_installed_is_refused() -> None:
    """It comes beside any onnxruntime: none has to go."""
    with pytest.raises(ProviderError) as raised:
        find_provider("openvino", [CPU])
    assert str(raised.value) == "provider openvino is not installed: pip install onnxruntime-ep-openvino"


def test_options_are_strings_and_threads_are_counted() -> None:
    """As onnxruntime takes them; OpenVINO and XNNPACK have threads of their own."""
    options = {provider.name: provider.options_for(3) for provider in PROVIDERS}
    assert options["cpu"] == options["cuda"] == {}
    assert list(options["openvino"]) == ["load_config"]
    config = {"INFERENCE_NUM_THREADS": 3, "INFERENCE_PRECISION_HINT": "f32"}
    assert json.loads(options["openvino"]["load_config"]) == {"CPU": config}
    assert options["xnnpack"] == {"intra_op_num_threads": "3"}
    assert options["qnn"] == {"backend_type": "htp"}


@pytest.mark.parametrize("name", ["openvino", "tensorrt", "coreml", "directml", "qnn"])
def test_no_part_of_the_graph_falls_back_to_the_cpu(name: str) -> None:
    """Onnxruntime refuses the session instead."""
    (provider,) = [provider for provider in PROVIDERS if provider.name == name]
    assert dict(provider.session_options) == {"session.disable_cpu_ep_fallback": "1"}


def test_an_unknown_target_is_refused() -> None:
    """A target of a later release asks for an upgrade."""
    with pytest.raises(ProviderError, match="npu-int8 artifact: this biolord-onnx knows no such target, upgrade it"):
        choose_provider("auto", "npu-int8", [CPU])


def test_the_names_are_all_different() -> None:
    """No row of the table hides another."""
    assert len({provider.name for provider in PROVIDERS}) == len(PROVIDERS)
    assert len({provider.ort_name for provider in PROVIDERS}) == len(PROVIDERS)


def test_short_names() -> None:
    """Onnxruntime's long names are shortened for people."""
    assert short_names([CUDA, CPU, f"{OPENVINO}.AUTO"]) == "cuda, cpu, openvino.auto"
