"""What the export stage raises.

BiolordError
├── CheckpointError   the source folder can't be converted: names the file and what would work
├── ExportError       the export itself can't go on (output exists, unknown target, unusable calibration file)
└── FidelityError     the artifact was measured to be below its gate
"""

from __future__ import annotations

from biolord_onnx.errors import BiolordError


class CheckpointError(BiolordError):
    """The source is not a checkpoint this exporter can convert."""


class ExportError(BiolordError):
    """The export was asked for something it can't do."""


class FidelityError(BiolordError):
    """A measured fidelity is below the gate of its target."""

    exit_code = 1
