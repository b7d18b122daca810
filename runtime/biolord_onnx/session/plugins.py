"""Execution providers that come as a plugin: a package of their own, beside any onnxruntime."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import ModuleType
from typing import Protocol

from biolord_onnx.errors import ProviderError
from biolord_onnx.session.engine import one_line, ort_errors
from biolord_onnx.session.options import SessionOptions
from biolord_onnx.session.providers import PROVIDERS, Provider

_LOCK = Lock()


class Kind(Protocol):
    """A kind of hardware."""

    name: str


class Hardware(Protocol):
    """A piece of hardware, as onnxruntime tells it."""

    type: Kind


class Device(Protocol):
    """A device with a provider that runs on it: onnxruntime's ``OrtEpDevice``."""

    ep_name: str
    device: Hardware


def available_providers(ort: ModuleType) -> list[str]:
    """List the installed providers by onnxruntime's names, those of plugins that aren't loaded yet included."""
    built_in: list[str] = ort.get_available_providers()
    plugins = [provider.ort_name for provider in PROVIDERS if provider.plugin and find_spec(provider.plugin)]
    return [*built_in, *(name for name in plugins if name not in built_in)]


def add_plugin(ort: ModuleType, options: SessionOptions, provider: Provider, threads: int) -> None:
    """Have a plugin's provider run a session, on the CPU.

    Args:
        ort: The module onnxruntime.
        options: Of the session.
        provider: One with a plugin.
        threads: Of a run.

    Raises:
        ProviderError: Its library can't be loaded, or knows no such device.
    """
    with _LOCK:
        devices = _devices(ort, provider) or _register(ort, provider)
    options.add_provider_for_devices(devices[:1], provider.options_for(threads))


def _register(ort: ModuleType, provider: Provider) -> list[Device]:
    """Load a plugin's library into this process."""
    assert provider.plugin is not None
    load_errors: tuple[type[Exception], ...] = (ImportError, OSError, *ort_errors())
    try:
        library = import_module(provider.plugin).get_library_path()
        ort.register_execution_provider_library(f"biolord-onnx.{provider.name}", library)
    except load_errors as error:
        raise ProviderError(
            f"provider {provider.name} can't be loaded by onnxruntime {ort.__version__} ({one_line(error)}): fix what "
            f"it names, or {provider.source} again"
        ) from error
    devices = _devices(ort, provider)
    if not devices:
        raise ProviderError(f"provider {provider.name} finds no CPU that it runs on: ask for another provider")
    return devices


def _devices(ort: ModuleType, provider: Provider) -> list[Device]:
    """List a provider's CPUs; none as long as its library isn't loaded, by whomever."""
    devices: list[Device] = ort.get_ep_devices()
    return [one for one in devices if one.ep_name == provider.ort_name and one.device.type.name == "CPU"]
