"""onnxruntime's settings of a session."""

from __future__ import annotations

from types import SimpleNamespace

import onnxruntime
import pytest

from biolord_onnx.session.options import SPIN_MICROSECONDS, SessionSettings, parse_version, session_options

ALLOWED = "session.intra_op.allow_spinning"
DURATION = "session.intra_op.spin_duration_us"


def release(version: str) -> SimpleNamespace:
    """Pretend that this onnxruntime is of another release; its options are real."""
    return SimpleNamespace(
        __version__=version,
        SessionOptions=onnxruntime.SessionOptions,
        GraphOptimizationLevel=onnxruntime.GraphOptimizationLevel,
    )


def entries(version: str, settings: SessionSettings) -> tuple[str | None, str | None]:
    """Return whether waiting threads may spin, and for how long."""
    options = session_options(release(version), settings)  # type: ignore[arg-type]
    assert isinstance(options, onnxruntime.SessionOptions)
    try:
        duration = options.get_session_config_entry(DURATION)
    except RuntimeError:  # it isn't set
        duration = None
    return options.get_session_config_entry(ALLOWED), duration


@pytest.mark.parametrize(
    ("version", "settings", "expected"),
    [
        ("1.32.0", SessionSettings(2), ("1", str(SPIN_MICROSECONDS))),
        ("1.31.0", SessionSettings(8), ("1", str(SPIN_MICROSECONDS))),
        ("1.30.9", SessionSettings(2), ("0", None)),
        ("1.22.0", SessionSettings(2), ("0", None)),
        ("1.32.0", SessionSettings(1), ("0", None)),
        ("1.32.0", SessionSettings(2, spinning=True), ("1", None)),
        ("1.22.0", SessionSettings(2, spinning=True), ("1", None)),
    ],
)
def test_waiting_threads_spin_briefly_where_that_can_be_limited(
    version: str, settings: SessionSettings, expected: tuple[str, str | None]
) -> None:
    """Without a limit they burn cores; a single thread has nobody to wait for; a benchmark may want all of it."""
    assert entries(version, settings) == expected


@pytest.mark.parametrize(
    ("text", "numbers"), [("1.32.0", [1, 32, 0]), ("1.31.0rc1", [1, 31, 0]), ("1.9.", [1, 9]), ("dev", [])]
)
def test_versions(text: str, numbers: list[int]) -> None:
    """Compared number by number; what stands behind them doesn't count."""
    assert parse_version(text) == numbers
