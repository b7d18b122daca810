"""``--providers all``: every provider there is and every kind of kernels, with why those that don't run don't."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType

from biolord_onnx.artifact.manifest import Manifest
from biolord_onnx.errors import BiolordError
from biolord_onnx.session import kernels
from biolord_onnx.session.providers import PROVIDERS, choose_provider
from biolord_onnx.session.session import select_provider

EVERY = "all"


@dataclass(frozen=True, slots=True)
class Way:
    """A way to run an artifact.

    Attributes:
        provider: The execution provider's name, or ``auto``.
        kernels: The kind of compiled operators; empty for the best.
        refusal: Why it can't be: unfit for the target, or not installed, with the pip command.
    """

    provider: str
    kernels: str = ""
    refusal: str | None = None

    @property
    def label(self) -> str:
        """What sets it apart from other ways of the same artifact."""
        return f"{self.provider} {self.kernels}".rstrip()


def every_way(ort: ModuleType, manifest: Manifest) -> list[Way]:
    """List all ways to run an artifact: those that run, best kernels first, before those that don't."""
    found = [way for provider in PROVIDERS for way in _ways(ort, manifest, provider.name)]
    return sorted(found, key=lambda way: way.refusal is not None)


def _ways(ort: ModuleType, manifest: Manifest, name: str) -> list[Way]:
    try:
        # What doesn't take the target wouldn't if it were installed either: that is said first.
        choose_provider(name, manifest.target, [provider.ort_name for provider in PROVIDERS])
        select_provider(ort, manifest, name)
    except BiolordError as error:
        return [Way(name, refusal=str(error))]
    return [Way(name, kind) for kind in (kernels.available() if manifest.requires.operators else ("",))]
