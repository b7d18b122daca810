"""What can go wrong, as classes.

    BiolordError
    ├── ArtifactError             the artifact folder is damaged, foreign, or doesn't fit this machine
    ├── ProviderError             the execution provider asked for is not the one that would run
    ├── NotFiniteError            the graph gave a vector that holds NaN or infinity
    ├── InputError                a text or an option can't be used (also a ValueError)
    └── MissingDependencyError    an optional package isn't installed (also an ImportError)

Arguments of a wrong *type* raise the built-in TypeError.
"""

from __future__ import annotations


class BiolordError(Exception):
    """Base class of every error that this package raises on purpose.

    Attributes:
        exit_code: Of a command that ends with it.
    """

    exit_code = 2


class ArtifactError(BiolordError):
    """The artifact is incomplete, altered, of another format, or needs what this machine lacks."""


class ProviderError(BiolordError):
    """The execution provider is unknown, not installed, unfit for the artifact, or didn't start."""


class NotFiniteError(BiolordError):
    """A vector isn't finite: the weights are damaged, or too large for their number format."""


class InputError(BiolordError, ValueError):
    """A text or an option is of the right type but can't be used."""


class MissingDependencyError(BiolordError, ImportError):
    """A package of an extra is needed here and isn't installed."""


class TruncationWarning(UserWarning):
    """Texts were longer than the model reads and were cut."""
