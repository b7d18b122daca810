"""onnxruntime's settings of a session, and why they are as they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Protocol

OPTIMIZATION_LEVEL = "ORT_ENABLE_ALL"
# How long a thread that has done its part of a layer keeps looking for the next one before it sleeps. Waking it up
# takes longer than most layers of a short text do; when the run is over it sleeps, and an idle session costs nothing.
SPIN_MICROSECONDS = 200
_KNOWS_SPIN_DURATION = [1, 31]
LOG_ERRORS_ONLY = 3


class SessionOptions(Protocol):
    """The part of ``onnxruntime.SessionOptions`` that is used from outside."""

    def add_session_config_entry(self, key: str, value: str) -> None:
        """Set an entry of the configuration."""

    def register_custom_ops_library(self, path: str, /) -> None:
        """Load a library of operators."""

    def add_provider_for_devices(self, ep_devices: Sequence[object], provider_options: Mapping[str, str]) -> None:
        """Have a plugin's provider run the graph."""


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """How a session runs.

    Attributes:
        threads: Of one run.
        spinning: Whether threads without work keep their cores busy for as long as onnxruntime likes.
    """

    threads: int
    spinning: bool = False


def session_options(ort: ModuleType, settings: SessionSettings) -> SessionOptions:
    """Make onnxruntime's options.

    Args:
        ort: The module.
        settings: What is wanted.
    """
    options = ort.SessionOptions()
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, OPTIMIZATION_LEVEL)
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = LOG_ERRORS_ONLY
    # Patterns are kept per input shape, and every batch has another.
    options.enable_mem_pattern = False
    for key, value in _entries(ort.__version__, settings):
        options.add_session_config_entry(key, value)
    return options  # type: ignore[no-any-return, unused-ignore]


def _entries(version: str, settings: SessionSettings) -> list[tuple[str, str]]:
    if settings.spinning:
        return [("session.intra_op.allow_spinning", "1")]
    # Older releases know no limit: there, waiting threads would burn the cores that neighbors need.
    if settings.threads == 1 or parse_version(version) < _KNOWS_SPIN_DURATION:
        return [("session.intra_op.allow_spinning", "0")]
    brief = ("session.intra_op.spin_duration_us", str(SPIN_MICROSECONDS))
    return [("session.intra_op.allow_spinning", "1"), brief]


def parse_version(text: str) -> list[int]:
    """Return the leading numbers of a version: [1, 31] of ``1.31rc2``."""
    leading = re.match(r"[0-9.]*", text)
    return [int(part) for part in (leading.group() if leading else "").split(".") if part]
