"""The exceptions."""

from __future__ import annotations

import pytest

from biolord_onnx.errors import (
    ArtifactError,
    BiolordError,
    InputError,
    MissingDependencyError,
    ProviderError,
    TruncationWarning,
)


@pytest.mark.parametrize("kind", [ArtifactError, InputError, MissingDependencyError, ProviderError])
def test_one_base_class_catches_every_error(kind: type[BiolordError]) -> None:
    """Catching BiolordError catches all that this package raises on purpose; commands end with 2."""
    assert issubclass(kind, BiolordError)
    assert kind.exit_code == 2


def test_errors_are_also_the_builtin_ones() -> None:
    """Code that catches ValueError or ImportError, as for any other library, catches ours."""
    assert issubclass(InputError, ValueError)
    assert issubclass(MissingDependencyError, ImportError)


def test_truncation_can_be_turned_into_an_error() -> None:
    """The truncation warning is a UserWarning, shown by default."""
    assert issubclass(TruncationWarning, UserWarning)
